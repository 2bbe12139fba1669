package harness

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// hosts are the names that the rig answers to in the place of a name server:
// GitHub's own, and those of Argo CD's Services. Each has an address of its own,
// as a pod has, and so the ports that its manifests say.
const hosts = `127.0.0.1 localhost
127.0.0.2 github.com
127.0.0.3 argocd-redis
127.0.0.4 argocd-repo-server
127.0.0.5 argocd-server
`

// name makes the names known to every program in the rig: it mounts a file of
// its own over /etc/hosts, in the rig's mount namespace.
func (r *Rig) name() error {
	r.names.once.Do(func() { r.names.failure = r.mountHosts() })
	return r.names.failure
}

func (r *Rig) mountHosts() error {
	inside, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		return err
	}
	if r.config.Outside == "" || r.config.Outside == inside {
		return errors.New("the mount namespace is not the rig's own: run this inside e2e/rig.sh")
	}
	path := filepath.Join(r.config.Dir, "hosts")
	if err := os.WriteFile(path, []byte(hosts), 0o644); err != nil {
		return err
	}
	if err := syscall.Mount(path, "/etc/hosts", "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount %s over /etc/hosts: %w", path, err)
	}
	return nil
}

// address is where a name of the rig leads. The file is not asked: this process
// may remember the one before.
func (r *Rig) address(name string) (string, error) {
	if err := r.name(); err != nil {
		return "", err
	}
	for line := range strings.Lines(hosts) {
		if address, rest, _ := strings.Cut(strings.TrimSpace(line), " "); rest == name {
			return address, nil
		}
	}
	return "", fmt.Errorf("%s is no name of the rig's", name)
}

// Host returns the address and the certificate of a name that a test serves. The
// rig's authority signs it: clients that do not trust that refuse it.
func (r *Rig) Host(name string) (address string, certificate tls.Certificate, err error) {
	if address, err = r.address(name); err != nil {
		return "", tls.Certificate{}, err
	}
	if err := r.certs.sign(name, identity{user: name}, name); err != nil {
		return "", tls.Certificate{}, err
	}
	certificate, err = tls.LoadX509KeyPair(r.certs.path(name+".crt"), r.certs.path(name+".key"))
	return address, certificate, err
}
