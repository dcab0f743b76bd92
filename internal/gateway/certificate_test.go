package gateway_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/gateway"
)

// writeCertificate writes a new certificate with its key and returns its serial number.
func writeCertificate(t *testing.T, certFile, keyFile string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	// The key first: who reads between the two gets a pair that does not fit, and keeps the one before.
	write(t, keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	write(t, certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func write(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// lines is a log that several goroutines may write.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestCertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	writeCertificate(t, certFile, keyFile, 1)
	log := &lines{}
	cert, err := gateway.LoadCertificate(certFile, keyFile, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, gateway.Config{}, gateway.ServeOptions{Certificate: cert})
	serial := func() int64 { return handshake(t, d.addr) }
	if got := serial(); got != 1 {
		t.Fatalf("serial %d", got)
	}
	writeCertificate(t, certFile, keyFile, 2)
	until(t, "the new certificate is shown", func() bool { return serial() == 2 })
	write(t, certFile, []byte("nonsense"))
	until(t, "that it cannot be read is said", func() bool {
		return serial() == 2 && strings.Contains(log.String(), "not read again")
	})
	if err := os.Remove(keyFile); err != nil {
		t.Fatal(err)
	}
	if got := serial(); got != 2 {
		t.Errorf("without its key: serial %d", got)
	}
	writeCertificate(t, certFile, keyFile, 3)
	until(t, "the next certificate is shown", func() bool { return serial() == 3 })
}

// handshake connects, sends a call, and returns the serial number of the server's certificate.
func handshake(t *testing.T, addr string) int64 {
	t.Helper()
	client := &http.Client{Timeout: patience, Transport: &http.Transport{
		DisableKeepAlives: true, ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+addr+"/v1/track", strings.NewReader(aCall))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", basic(goodKey))
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	if res.StatusCode != http.StatusOK || res.ProtoMajor != 2 {
		t.Errorf("got %s by %s", res.Status, res.Proto)
	}
	return res.TLS.PeerCertificates[0].SerialNumber.Int64()
}

func TestOldTLSIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	writeCertificate(t, certFile, keyFile, 1)
	cert, err := gateway.LoadCertificate(certFile, keyFile, nil)
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, gateway.Config{}, gateway.ServeOptions{Certificate: cert})
	dialer := &tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}}
	c, err := dialer.DialContext(context.Background(), "tcp", d.addr)
	if err == nil {
		c.Close()
		t.Error("TLS 1.1 is taken")
	}
}

func TestCertificateThatCannotBeReadAtAll(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	if _, err := gateway.LoadCertificate(certFile, keyFile, nil); err == nil {
		t.Error("no files: no error")
	}
	writeCertificate(t, certFile, keyFile, 1)
	writeCertificate(t, filepath.Join(dir, "other.crt"), keyFile, 2)
	if _, err := gateway.LoadCertificate(certFile, keyFile, nil); err == nil || !strings.Contains(err.Error(), keyFile) {
		t.Errorf("a key of another certificate: got %v", err)
	}
}
