package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
)

// token is a join token: `PASSWORD`, or `K10<hash of the CA>::USER:PASSWORD`.
type token struct {
	caHash   string
	user     string
	password string
}

func parseToken(text string) (token, error) {
	if !strings.HasPrefix(text, "K10") {
		if text == "" {
			return token{}, errors.New("token must not be empty")
		}
		return token{password: text}, nil
	}
	hash, credentials, long := strings.Cut(strings.TrimPrefix(text, "K10"), "::")
	user, password, pair := strings.Cut(credentials, ":")
	switch {
	case !long || !pair || password == "":
		return token{}, errors.New("invalid token format")
	case len(hash) != 0 && len(hash) != 2*sha256.Size:
		return token{}, errors.New("invalid token CA hash length")
	}
	return token{hash, user, password}, nil
}

// caHash is the hash of a self-signed cluster CA: that of its PEM file.
func caHash(pem []byte) string {
	sum := sha256.Sum256(pem)
	return hex.EncodeToString(sum[:])
}
