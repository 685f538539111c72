package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

func newKeyPEM() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), err
}

// ensureCA makes `BASE.key` and `BASE.crt` where they are missing. The certificate's ten years begin at this machine's
// clock: a wrong one stays in the cluster for good.
func ensureCA(base, name string) error {
	key, err := ensureKey(base + ".key")
	if err != nil {
		return err
	}
	return ensureFile(base+".crt", func() ([]byte, error) {
		now := time.Now().UTC()
		certificate := &x509.Certificate{
			SerialNumber:          big.NewInt(0),
			Subject:               pkix.Name{CommonName: fmt.Sprintf("%s@%d", name, now.Unix())},
			NotBefore:             now,
			NotAfter:              now.AddDate(10, 0, 0),
			KeyUsage:              x509.KeyUsageKeyEncipherment | x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
			BasicConstraintsValid: true,
			IsCA:                  true,
		}
		der, err := x509.CreateCertificate(rand.Reader, certificate, certificate, key.Public(), key)
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), err
	})
}

// servingCertificate is a leaf of the CA at `base` for these names and addresses, valid from the CA's first day.
func servingCertificate(base string, names []string) (tls.Certificate, error) {
	ca, issuer, err := loadCA(base)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "k3s", Organization: []string{"k3s"}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	addNames(leaf, names)
	der, err := sign(ca, issuer, leaf, key.Public())
	return tls.Certificate{Certificate: [][]byte{der, ca.Certificate[0]}, PrivateKey: key}, err
}

// addNames makes the certificate one for these names and addresses.
func addNames(leaf *x509.Certificate, names []string) {
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			leaf.IPAddresses = append(leaf.IPAddresses, ip)
		} else {
			leaf.DNSNames = append(leaf.DNSNames, name)
		}
	}
}

func loadCA(base string) (tls.Certificate, *x509.Certificate, error) {
	ca, err := tls.LoadX509KeyPair(base+".crt", base+".key")
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	issuer, err := x509.ParseCertificate(ca.Certificate[0])
	return ca, issuer, err
}

// sign completes the certificate, valid from the CA's first day.
func sign(ca tls.Certificate, issuer, leaf *x509.Certificate, key any) ([]byte, error) {
	leaf.SerialNumber = new(big.Int).SetBytes(random(8))
	leaf.NotBefore = issuer.NotBefore
	leaf.NotAfter = time.Now().UTC().AddDate(1, 0, 0)
	leaf.KeyUsage = x509.KeyUsageKeyEncipherment | x509.KeyUsageDigitalSignature
	return x509.CreateCertificate(rand.Reader, leaf, issuer, key, ca.PrivateKey)
}

// adminCertificate makes the certificate that opens everything, for whoever may read it.
func adminCertificate(tls string) error {
	key, err := ensureKey(filepath.Join(tls, "client-admin.key"))
	if err != nil {
		return err
	}
	ca, issuer, err := loadCA(filepath.Join(tls, "client-ca"))
	if err != nil {
		return err
	}
	leaf := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "system:admin", Organization: []string{"system:masters"}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := sign(ca, issuer, leaf, key.Public())
	if err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return replaceFile(filepath.Join(tls, "client-admin.crt"), text, 0o600)
}

// ensureKey reads a key, which is made if it is missing.
func ensureKey(file string) (*ecdsa.PrivateKey, error) {
	if err := ensureFile(file, newKeyPEM); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s: no PEM", file)
	}
	return x509.ParseECPrivateKey(block.Bytes)
}

func readPool(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return pool, nil
}
