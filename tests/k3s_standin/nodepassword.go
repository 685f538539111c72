package main

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/crypto/scrypt"
)

// secret is what is kept of a node's password.
type secret struct {
	Type      string            `json:"type"`
	Immutable bool              `json:"immutable"`
	Data      map[string]string `json:"data"`
}

func nodeSecretKey(node string) string {
	return "/registry/secrets/kube-system/" + strings.ToLower(node) + ".node-password.k3s"
}

// checkNodePassword holds the password against the node's Secret, which the first join makes.
func checkNodePassword(s store, node, password string) error {
	return modify(s, nodeSecretKey(node), func(kept *secret) error {
		if kept.Data == nil {
			*kept = secret{"k3s.cattle.io/node-password", true, map[string]string{"hash": hashPassword(password)}}
		} else if err := verifyPassword(kept.Data["hash"], password); err != nil {
			return fmt.Errorf("unable to verify password for node %s: %w", node, err)
		}
		return nil
	})
}

// checkOwnPassword lets the server's own node in by the file that it reads itself, as long as the core is not up
// (pkg/nodepassword/validate.go, verifyLocalPassword).
func checkOwnPassword(c *config, node, password string) error {
	kept, err := nodePassword(c.path("/etc/rancher/node/password"))
	if err != nil {
		return fmt.Errorf("unable to read node password file: %w", err)
	}
	if kept != password {
		return errors.New("unable to verify local node password: hash does not match")
	}
	logrus.Infof("Password verified locally for node %s", node)
	return nil
}

// ensureOwnSecret holds the own node's password against its Secret when the core is up. Another one is an event on the
// Node, which client-go logs, and nothing more (the same file, ensureSecret).
func ensureOwnSecret(c *config, s store, node string) error {
	password, err := nodePassword(c.path("/etc/rancher/node/password"))
	if err != nil {
		return err
	}
	kind, reason, message := "Normal", "NodePasswordValidationComplete", "Deferred node password secret validation complete"
	if err := checkNodePassword(s, node, password); err != nil {
		kind, reason = "Warning", "NodePasswordValidationFailed"
		message = "Deferred node password secret validation failed: " + err.Error()
	}
	_, err = fmt.Fprintf(os.Stderr, "I%s %7d event.go:389] \"Event occurred\" object=%q fieldPath=\"\" kind=\"Node\" apiVersion=\"\" type=%q reason=%q message=%q\n",
		time.Now().Format("0102 15:04:05.000000"), os.Getpid(), node, kind, reason, message)
	return err
}

// The form is K3s's, `$1:SALT:log2(N):r:p:HASH`. K3s takes N = 2^15; less is as good for tests on emulated machines.
const logN, r, p = 10, 8, 1

func hashPassword(password string) string {
	salt := random(8)
	key, err := scrypt.Key([]byte(password), salt, 1<<logN, r, p, 64)
	if err != nil {
		panic(err) // the constants are wrong
	}
	return fmt.Sprintf("$1:%x:%d:%d:%d:%s", salt, logN, r, p, base64.RawStdEncoding.EncodeToString(key))
}

func verifyPassword(hash, password string) error {
	var logN, r, p int
	fields := strings.Split(hash, ":")
	if len(fields) != 6 || fields[0] != "$1" {
		return errors.New("hash version not recognized")
	}
	if _, err := fmt.Sscan(strings.Join(fields[2:5], " "), &logN, &r, &p); err != nil {
		return err
	}
	salt, err := hex.DecodeString(fields[1])
	if err != nil {
		return err
	}
	key, err := scrypt.Key([]byte(password), salt, 1<<logN, r, p, 64)
	if err != nil {
		return err
	}
	if base64.RawStdEncoding.EncodeToString(key) != fields[5] {
		return errors.New("hash does not match")
	}
	return nil
}
