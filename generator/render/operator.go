package render

import (
	"path"

	"strake/generator/spec"
)

// operatorApp is the overlay of the External Secrets Operator.
const operatorApp = "external-secrets"

// operator is the External Secrets Operator as its project publishes it, in a
// namespace of its own.
func operator(e *spec.Effective) []app {
	ns := e.OperatorNamespace()
	if ns == "" {
		return nil
	}
	version := path.Join("external-secrets", e.Secrets.Version)
	return []app{
		vendoredCRDs(e, operatorApp+"-crds", version, "secrets.version"),
		{
			name: operatorApp, base: operatorApp, vendored: []string{path.Join(version, "install")}, namespace: ns, from: "secrets",
			objects: []object{platformNamespace(e, ns, "secrets.namespace", "restricted")},
			patches: operatorPatches(ns),
		},
	}
}

// operatorPatches tell the operator's parts where they are. The official
// manifests are made for the namespace default and say so in arguments, which
// no transformer knows. The last of two equal flags counts (pflag).
func operatorPatches(ns string) []patch {
	return []patch{
		moreArgs("external-secrets-cert-controller", "--service-namespace="+ns, "--secret-namespace="+ns),
		moreArgs("external-secrets-webhook", "--dns-name=external-secrets-webhook."+ns+".svc"),
	}
}

func moreArgs(deployment string, args ...string) patch {
	var ops list
	for _, arg := range args {
		ops = append(ops, m{
			{"op", "add"},
			{"path", "/spec/template/spec/containers/0/args/-"},
			{"value", at("secrets.namespace", arg)},
		})
	}
	return patch{
		file: deployment + ".deployment.yaml", from: "secrets.namespace",
		target: m{{"kind", "Deployment"}, {"name", deployment}}, doc: ops,
	}
}
