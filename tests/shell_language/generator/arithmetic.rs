//! Arithmetic expressions (XCU 2.6.4).

use super::Generator;

const BINARY: &[&str] = &[
    "+", "-", "*", "/", "%", "<", ">", "<=", ">=", "==", "!=", "&&", "||", "&", "|", "^", " << ", " >> ", " - ", " + ",
];

impl Generator {
    /// What stands within `$((…))`.
    pub(super) fn expression(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.operand().to_owned();
        }
        match self.numbers.below(12) {
            0 => format!("({})", self.expression(depth - 1)),
            1 => {
                let sign = self.numbers.one(&["-", "+", "!", "~", "- "]);
                // `--` and `++` are two signs for dash, and for few others.
                format!("{sign}({})", self.expression(depth - 1))
            }
            2 => {
                let parts = [depth - 1; 3].map(|depth| self.expression(depth));
                format!("{} ? {} : {}", parts[0], parts[1], parts[2])
            }
            3 => {
                let name = self.numbers.one(&["i", "j", "k"]);
                let operator = self.numbers.one(&["=", "+=", "-=", "*=", "/=", "%=", "<<=", ">>=", "&=", "|=", "^="]);
                format!("({name}{operator}{})", self.expression(depth - 1))
            }
            4 | 5 => self.operand().to_owned(),
            _ => {
                let (left, operator) = (self.expression(depth - 1), self.numbers.one(BINARY));
                format!("{left}{operator}{}", self.expression(depth - 1))
            }
        }
    }

    fn operand(&mut self) -> &'static str {
        self.numbers.one(&[
            "0",
            "1",
            "2",
            "7",
            "010",
            "0x1F",
            "9223372036854775807",
            "64",
            "i",
            "j",
            "k",
            "$i",
            "$((i+1))",
            "$#",
            "${#x}",
            " i ",
            "${k:-2}",
            "$(echo 4)",
            "`echo 5`",
            "3",
            "5",
            "10",
            "x",
            "$x",
            "08",
            "\n1",
        ])
    }
}
