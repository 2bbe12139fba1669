package render

// exposure is a way in from outside with Identity-Aware Proxy in front: a GKE
// Ingress for one host, straight to the pods of one Service. The proxy lets in
// only whom IAM names.
type exposure struct {
	// name of the Service, and of all that is made for it.
	name string
	// from is the path of the spec that asked for it.
	from     string
	metadata func(name string) m
	host     any
	// certificate is the name of the ManagedCertificate; policy that of a policy
	// of Cloud Armor, staticIP that of a reserved address. Both may be empty.
	certificate, policy, staticIP string
	// client is the OAuth client of one's own; Google manages one otherwise.
	client                 any
	healthPath, healthPort any
	timeout                int // seconds that an answer may take
}

// annotations go on the Service that the load balancer takes the pods from.
func (x exposure) annotations() m {
	return m{
		{"cloud.google.com/backend-config", `{"default": "` + x.name + `"}`},
		{"cloud.google.com/neg", `{"ingress": true}`},
	}
}

// objects are what stands in front of the Service.
func (x exposure) objects() []object {
	return []object{x.backend(), x.frontend(), x.managedCertificate(), x.ingress()}
}

func (x exposure) backend() object {
	var armor m
	if x.policy != "" {
		armor = m{{"name", at(x.from+".securityPolicy", x.policy)}}
	}
	return object{from: x.from, doc: m{
		{"apiVersion", "cloud.google.com/v1"},
		{"kind", "BackendConfig"},
		{"metadata", x.metadata(x.name)},
		{"spec", m{
			{"iap", m{{"enabled", true}, {"oauthclientCredentials", x.client}}},
			{"healthCheck", m{
				{"type", "HTTP"},
				{"requestPath", x.healthPath},
				{"port", x.healthPort},
				{"checkIntervalSec", 15},
				{"timeoutSec", 5},
			}},
			{"securityPolicy", armor},
			{"timeoutSec", x.timeout},
			{"connectionDraining", m{{"drainingTimeoutSec", 60}}},
		}},
	}}
}

func (x exposure) frontend() object {
	return object{from: x.from, doc: m{
		{"apiVersion", "networking.gke.io/v1beta1"},
		{"kind", "FrontendConfig"},
		{"metadata", x.metadata(x.name)},
		{"spec", m{{"redirectToHttps", m{{"enabled", true}}}}},
	}}
}

func (x exposure) managedCertificate() object {
	return object{from: x.from + ".certificate", doc: m{
		{"apiVersion", "networking.gke.io/v1"},
		{"kind", "ManagedCertificate"},
		{"metadata", x.metadata(x.certificate)},
		{"spec", m{{"domains", list{x.host}}}},
	}}
}

func (x exposure) ingress() object {
	return object{from: x.from, doc: m{
		{"apiVersion", "networking.k8s.io/v1"},
		{"kind", "Ingress"},
		{"metadata", append(x.metadata(x.name), kv{"annotations", m{
			// GKE reads the class here and nowhere else.
			{"kubernetes.io/ingress.class", "gce"},
			{"kubernetes.io/ingress.global-static-ip-name", at(x.from+".staticIP", optional(x.staticIP))},
			{"networking.gke.io/managed-certificates", at(x.from+".certificate", x.certificate)},
			{"networking.gke.io/v1beta1.FrontendConfig", x.name},
		}})},
		{"spec", m{{"rules", list{m{
			{"host", x.host},
			{"http", m{{"paths", list{m{
				{"path", "/"},
				{"pathType", "Prefix"},
				{"backend", m{{"service", m{{"name", x.name}, {"port", m{{"name", httpPort}}}}}}},
			}}}}},
		}}}}},
	}}
}
