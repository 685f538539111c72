use super::{parse, parse_at};

mod printed;

#[test]
fn an_empty_script_has_no_commands() {
    assert!(parse("# nothing\n").unwrap().is_empty());
}

/// Holds the trees of scripts against what is said of them.
fn hold(bash: bool, scripts: &[(&str, &str)]) {
    let wrong: Vec<_> = scripts
        .iter()
        .map(|(script, expected)| {
            let found = match parse_at(script, 1, bash) {
                Ok(list) => printed::list(&list),
                Err(error) => error.to_string(),
            };
            (script, found, expected)
        })
        .filter(|(_, found, expected)| found != *expected)
        .map(|(script, found, expected)| format!("{script}\n    is: {found}\n    not: {expected}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn lists_and_pipelines() {
    hold(
        false,
        &[
            ("a b c", "<a b c>"),
            ("a; b\n\n# no command\nc # none either", "<a> <b> <c>"),
            ("a#b #c", "<a#b>"),
            ("a && b || c", "<a> && <b> || <c>"),
            ("a &&\n\n b ||\nc", "<a> && <b> || <c>"),
            ("a | b |\nc", "<a> | <b> | <c>"),
            ("! a | b && ! c", "! <a> | <b> && ! <c>"),
            ("a & b", "<a> & <b>"),
            ("a\\\nb \\\nc", "<ab c>"),
            ("! if", "line 1: the script ends where a command is expected"),
        ],
    );
}

#[test]
fn simple_commands_and_redirections() {
    hold(
        false,
        &[
            ("x=1 y= z=$a a=b c", "<x=1 y= z=${a} a=b c>"),
            ("c x=1", "<c x=1>"),
            ("1x=2 'x'=1", "<1x=2 'x'=1>"),
            ("x+=1", "<x+=1>"),
            (">a <b 2>>c 3<>d 4>|e f", "<f >a <b 2>>c 3<>d 4>e>"),
            ("a 2>&1 <&- >&$x", "<a 2>&1 <&- >&${x}>"),
            ("a 12>b 2 >c", "<a 12 2 >b >c>"),
            ("a<b>c", "<a <b >c>"),
            ("{ a; } >b 2>&1", "<group <a> >b 2>&1>"),
        ],
    );
}

#[test]
fn compound_commands() {
    hold(
        false,
        &[
            ("{ a; b\n}", "<group <a> <b>>"),
            (
                "{ (a) >b; } >c; { { (a) >b; }; } >c; { (a) >b; }; { (a) >b; c; } >d",
                "<subshell <a> >c> <subshell <a> >c> <group <subshell <a> >b>> <group <subshell <a> >b> <c> >d>",
            ),
            ("(a; b) | c", "<subshell <a> <b>> | <c>"),
            ("if a; b; then c; fi", "<if <a> <b> then <c>>"),
            (
                "if a\nthen b\nelif c; then d; elif e; then f; else g; fi",
                "<if <a> then <b> if <c> then <d> if <e> then <f> else <g>>",
            ),
            ("while a; do b; done <c", "<while <a> do <b> <c>"),
            ("until a || b; do c; done", "<until <a> || <b> do <c>>"),
            ("for x in a $b 'c'; do d; done", "<for x in [a ${b} 'c'] do <d>>"),
            (
                "for x; do a; done; for y\ndo b; done; for z in; do c; done",
                "<for x do <a>> <for y do <b>> <for z in [] do <c>>",
            ),
            ("case $x in a|b*) c;; (d) ;; *) e; f; esac", "<case ${x} [a b*] <c>;; [d] ;; [*] <e> <f>;;>"),
            ("case a in esac", "<case a>"),
            ("case if in if) then ;; esac", "line 1: `then` stands where `;;` or `esac` is expected"),
            ("f() { a; } >b", "<function f <group <a> >b>>"),
            ("f ( )\n(a)", "<function f <subshell <a>>>"),
            ("f() if a; then b; fi", "<function f <if <a> then <b>>>"),
            ("echo if then { } done", "<echo if then { } done>"),
            ("if; then a; fi", "line 1: `;` stands where a command is expected"),
        ],
    );
}

#[test]
fn words_and_their_quoting() {
    hold(
        false,
        &[
            (r#"a'b c'"d $e"\f"#, r#"<a'b c'"'d '${e}"'f'>"#),
            (r#"'' "" a"""#, r#"<'' "" a"">"#),
            (r#""\$\`\"\\\a""#, r#"<"'$`"\\a'">"#),
            ("\"a\\\nb\" 'c\\\nd'", "<\"'ab'\" 'c\\␤d'>"),
            (
                "$x${y}z $1 $10 ${10} $# $@ \"$*\" $? $- $$ $!",
                "<${x}${y}z ${1} ${1}0 ${10} ${#} ${@} \"${*}\" ${?} ${-} ${$} ${!}>",
            ),
            ("$ a$ \"$\" $/", "<$ a$ \"'$'\" $/>"),
            ("$(a b; c) `d \\`e\\``", "<$(<a b> <c>) $(<d $(<e>)>)>"),
            ("$( (a) ) $(case a in a) b;; esac)", "<$(<subshell <a>>) $(<case a [a] <b>;;>)>"),
            ("$((1 + (2 * $x)))", "<$(('1 + (2 * '${x}')'))>"),
            ("\"$(a \"b\")\"", "<\"$(<a \"'b'\">)\">"),
        ],
    );
}

#[test]
fn parameters_and_what_is_done_with_them() {
    hold(
        false,
        &[
            (
                "${x-a} ${x:-a} ${x=a} ${x:=a} ${x?a} ${x:?a} ${x+a} ${x:+a}",
                "<${x-a} ${x:-a} ${x=a} ${x:=a} ${x?a} ${x:?a} ${x+a} ${x:+a}>",
            ),
            ("${x#a} ${x##a*} ${x%a} ${x%%'a'}", "<${x#a} ${x##a*} ${x%a} ${x%%'a'}>"),
            ("${#x} ${#} ${#@} ${##} ${#-} ${#-a} ${#:-a}", "<${#x} ${#} ${#@} ${##} ${#-} ${#-a} ${#:-a}>"),
            (
                "${x:-${y:-$z}} ${x:-a b} \"${x:-'a'}\" ${x:-\"a}\"}",
                "<${x:-${y:-${z}}} ${x:-a b} \"${x:-''a''}\" ${x:-\"'a}'\"}>",
            ),
            ("${x!} ${} ${x^a} ${x:1}", "<${x unknown} ${ unknown} ${x unknown} ${x unknown}>"),
        ],
    );
}

#[test]
fn here_documents() {
    hold(
        false,
        &[
            ("a <<E\n$x `b` \\$ 'c'\nE\nd", "<a <<\"${x}' '$(<b>)' $ 'c'␤'\"> <d>"),
            ("a <<'E'\n$x \\\nE\nb", "<a <<'$x \\␤'> <b>"),
            ("a <<-E; b <<F\n\tc\n\tE\n\td\nF\n", "<a <<\"'c␤'\"> <b <<\"'\td␤'\">"),
            ("if a <<E; then b\nc\nE\nfi", "<if <a <<\"'c␤'\"> then <b>>"),
            ("a <<E && b |\nc\nE\nd", "<a <<\"'c␤'\"> && <b> | <d>"),
            ("a 3<<\"E F\"\nb\nE F\n", "<a 3<<'b␤'>"),
            ("a <<-E\n\t\\\n\tE\n\tE", "<a <<\"'\\␤\tE␤'\">"),
            ("a <<E\nb", "<a <<\"'b'\">"),
        ],
    );
}

#[test]
fn what_only_bash_has() {
    hold(
        true,
        &[
            ("[[ -f a && ( $x == b* || ! -z c ) ]]", "<test -f a && ( ${x} == b* || ! -z c )>"),
            ("function f { a; }; function g () { b; }", "<function f <group <a>>> <function g <group <b>>>"),
            ("a &>b; c |& d", "<a &>b> <c 2>&1> | <d>"),
            ("x+=1", "<x+=1>"),
            ("${x/a/b} ${x//a} ${x:1} ${x:1:2}", "<${x/a/b} ${x//a/} ${x:1} ${x:1:2}>"),
            ("case a in a) b;& c) d;; esac", "<case a [a] <b>;& [c] <d>;;>"),
            ("((x))", "line 1: `((` of bash is not modelled"),
            ("x=(a)", "line 1: arrays of bash are not modelled"),
            ("a <<<b", "line 1: `<<<` of bash is not modelled"),
            ("a <(b)", "line 1: process substitution of bash is not modelled"),
            ("a $'b'", "line 1: `$'…'` of bash is not modelled"),
            ("a &>>b", "line 1: `&>>` of bash is not modelled"),
            ("case a in a) ;;& esac", "line 1: `;;&` of bash is not modelled"),
            ("f() a", "line 1: a function's body is no compound command"),
            ("[[ a", "line 1: the script ends where `]]` is expected"),
        ],
    );
}

#[test]
fn mistakes_are_told_with_their_line() {
    hold(
        false,
        &[
            ("a\nfi", "line 2: `fi` stands where a command is expected"),
            ("a )", "line 1: `)` stands where a command is expected"),
            ("a\n&& b", "line 2: `&&` stands where a command is expected"),
            ("a &&", "line 1: the script ends where a command is expected"),
            ("a;; b", "line 1: `;;` stands where a command is expected"),
            ("a | | b", "line 1: `|` stands where a command is expected"),
            ("! ! a", "line 1: `!` comes twice"),
            ("{ a", "line 1: the script ends where `}` is expected"),
            ("{ }", "line 1: `}` stands where a command is expected"),
            ("(a", "line 1: the script ends where the `)` of a subshell is expected"),
            ("()", "line 1: `)` stands where a command is expected"),
            ("if a; then\nfi", "line 2: `fi` stands where a command is expected"),
            ("if a\nfi", "line 2: `fi` stands where `then` is expected"),
            ("while a; done", "line 1: `done` stands where `do` is expected"),
            ("for 1 in a; do b; done", "line 1: `1` stands where the variable of `for` is expected"),
            ("for x in a do b; done", "line 1: `done` stands where `do` is expected"),
            ("case a\nof", "line 2: `of` stands where `in` is expected"),
            ("case a in\nb\nc) d;; esac", "line 2: the line ends where `)` is expected"),
            ("case a in b) c", "line 1: the script ends where `;;` or `esac` is expected"),
            ("case a in |b) c;; esac", "line 1: `|b)` stands where a pattern of `case` is expected"),
            ("case in a) b;; esac", "line 1: `a)` stands where `in` is expected"),
            ("a b() { c; }", "line 1: `()` stands where the end of a command is expected"),
            ("eval() { a; }", "line 1: `eval` is no name for a function"),
            ("a-b() { c; }", "line 1: `a-b` is no name for a function"),
            ("a >", "line 1: the script ends where the target of a redirection is expected"),
            ("a > ; b", "line 1: `;` stands where the target of a redirection is expected"),
            ("a <<", "line 1: the script ends where a here-document's delimiter is expected"),
            ("a <<'E\nb", "line 1: the quote of a here-document's delimiter does not end"),
            ("a $(b <<E)\nE\n", "line 1: a command substitution ends before its here-document begins"),
            ("a 'b\nc", "line 1: a quote `'` does not end"),
            ("a \"b\nc", "line 2: a quote `\"` does not end"),
            ("a `b", "line 1: a command substitution in backquotes does not end"),
            ("a `b\nif`", "line 2: the script ends where a command is expected"),
            ("a $(b", "line 1: the script ends where the `)` of a command substitution is expected"),
            ("a ${b", "line 1: the script ends where the `}` of a parameter expansion is expected"),
            ("a $((1)", "line 1: `)` stands where the `))` of an arithmetic expansion is expected"),
        ],
    );
    let long = "a".repeat(8 << 20) + "\n";
    assert_eq!(parse(&long).unwrap_err().to_string(), "line 1: the script is longer than 8 MiB");
}
