package render

import (
	"strconv"

	"strake/generator/spec"
)

const (
	// proxyImage is the Cloud SQL proxy, version 2: its flags differ from version 1.
	proxyImage = "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.25.3"
	// proxyHealthPort is not the proxy's default, 9090: metrics are usually there.
	proxyHealthPort = spec.ProxyHealthPort
	// autoLogin has the proxy log in with a token of its own identity.
	autoLogin = "--auto-iam-authn"
)

// sqlProxy is the Cloud SQL proxy beside a container. It listens on the pod's
// own address and encrypts what leaves it.
type sqlProxy struct {
	// from is the path of the spec that put it there.
	from string
	// port and connection are arguments: where it listens, and the instance. login
	// is autoLogin, or nil for a login with a password.
	port, login, connection any
	resources               any
}

// containers is the proxy as a native sidecar: it is up before the container
// beside it starts, and goes after it.
func (p sqlProxy) containers() any {
	args := list{
		"--structured-logs",
		"--private-ip",
		p.port,
		"--health-check",
		"--http-address=0.0.0.0",
		"--http-port=" + strconv.Itoa(proxyHealthPort),
	}
	if p.login != nil {
		args = append(args, p.login)
	}
	args = append(args, p.connection)
	return at(p.from, list{m{
		{"name", "cloud-sql-proxy"},
		{"image", proxyImage},
		{"imagePullPolicy", "IfNotPresent"},
		{"restartPolicy", "Always"},
		{"args", args},
		{"ports", list{m{{"name", "proxy-health"}, {"containerPort", proxyHealthPort}, {"protocol", "TCP"}}}},
		{"startupProbe", m{
			{"httpGet", m{{"path", "/startup"}, {"port", proxyHealthPort}}},
			{"failureThreshold", 60},
			{"periodSeconds", 1},
			{"timeoutSeconds", 5},
		}},
		// A certificate is renewed five minutes before it ends: as long may it fail.
		{"livenessProbe", m{
			{"httpGet", m{{"path", "/liveness"}, {"port", proxyHealthPort}}},
			{"failureThreshold", 5},
			{"periodSeconds", 60},
			{"timeoutSeconds", 30},
		}},
		{"resources", p.resources},
		{"securityContext", append(containerContext(), kv{"seccompProfile", m{{"type", "RuntimeDefault"}}})},
	}})
}
