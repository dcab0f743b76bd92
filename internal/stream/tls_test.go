package stream_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/stream"
)

// A server with a certificate of a private authority, that wants to see the client's own and a proof of its NKey.
func TestSignedIn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := newAuthority(t, dir)
	a.issue(t, "server")
	a.issue(t, "client")
	seed, other := filepath.Join(dir, "nkey"), filepath.Join(dir, "other")
	for path, text := range map[string]string{seed: nkeySeed, other: otherSeed} {
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	url, monitor, _ := strings.Cut(start(t, "server", nil, "DIR="+t.TempDir(), "SYNC=always", "TLS="+dir, "NKEY="+nkeyUser), " ")
	good := stream.Options{
		URLs: []string{url}, Monitors: []string{monitor}, NKey: seed,
		CA: filepath.Join(dir, "ca.pem"), Cert: filepath.Join(dir, "client.pem"), Key: filepath.Join(dir, "client.key"),
	}
	b := open(t, good)
	if err := b.Publish(t.Context(), "shop", "1", []byte("x")); err != nil {
		t.Error(err)
	}
	for what, change := range map[string]func(*stream.Options){
		"no authority":       func(o *stream.Options) { o.CA = "" },
		"no certificate":     func(o *stream.Options) { o.Cert, o.Key = "", "" },
		"no NKey":            func(o *stream.Options) { o.NKey = "" },
		"another NKey":       func(o *stream.Options) { o.NKey = other },
		"no file of an NKey": func(o *stream.Options) { o.NKey = filepath.Join(dir, "none") },
	} {
		o := good
		change(&o)
		c, err := stream.Open(t.Context(), o)
		if err == nil {
			t.Error(errors.Join(errors.New(what+" is accepted"), c.Close()))
		} else if strings.Contains(err.Error(), nkeySeed) {
			t.Errorf("%s: the error tells the seed: %v", what, err)
		}
	}
}

// Seeds made for this test, and the first one's user.
const (
	nkeySeed  = "SUAGVL7TNDH5XJ4263UDBFIZNG3M2NQICH2J6DIFEOL5FHC54HMHFSESU4"
	nkeyUser  = "UDQX4EVSIG4C3WFWERKAYIV3SFQJ7R4KIRMBMXFUYJRTVU6MTHD22VPM"
	otherSeed = "SUANOTASEED"
)

// authority signs certificates in a folder.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, dir string) *authority {
	t.Helper()
	a := &authority{dir: dir}
	a.cert = &x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	a.key = a.write(t, "ca", a.cert)
	return a
}

// issue writes a certificate for this machine and its key.
func (a *authority) issue(t *testing.T, name string) {
	t.Helper()
	a.write(t, name, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	})
}

func (a *authority) write(t *testing.T, name string, c *x509.Certificate) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(time.Now().UnixNano()), time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	signer := a.key
	if signer == nil {
		signer = key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{name + ".pem": {Type: "CERTIFICATE", Bytes: der}, name + ".key": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(a.dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return key
}
