package localpg

import (
	"bufio"
	"bytes"
	"os"
	"runtime"
	"strings"
)

// installCommand is how people install Postgres on this platform.
func installCommand() string {
	if runtime.GOOS == "darwin" {
		return "brew install postgresql@17"
	}
	release, _ := os.ReadFile("/etc/os-release") // without it the general answer is given
	return installFor(release)
}

// installFor picks the command for the distribution that os-release(5) names, by its own name first and then by those
// it is like.
func installFor(release []byte) string {
	var id, like string
	for lines := bufio.NewScanner(bytes.NewReader(release)); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), "=")
		switch key {
		case "ID":
			id = strings.Trim(value, `"'`)
		case "ID_LIKE":
			like = strings.Trim(value, `"'`)
		}
	}
	for _, name := range append([]string{id}, strings.Fields(like)...) {
		switch name {
		case "debian", "ubuntu":
			return "apt-get install postgresql"
		case "fedora", "rhel", "centos", "amzn":
			return "dnf install postgresql-server"
		case "alpine":
			return "apk add postgresql postgresql-client"
		case "arch":
			return "pacman -S postgresql"
		case "suse", "opensuse":
			return "zypper install postgresql-server"
		}
	}
	return "apt-get install postgresql, dnf install postgresql-server, or brew install postgresql@17"
}
