package harness

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Cluster is one environment's control plane. Clusters share etcd, where each
// has a prefix, and the certificate authority; nothing else.
type Cluster struct {
	Name string
	// Admin may do everything. Tests of rights use As.
	Admin *rest.Config
	// Kubeconfig is the path of Admin's kubeconfig.
	Kubeconfig string

	Clients kubernetes.Interface
	Dynamic dynamic.Interface
	// Warnings are what the API server has warned Admin of.
	Warnings *Warnings

	rig     *Rig
	number  int // of the cluster in the rig: ports follow from it
	mapper  meta.ResettableRESTMapper
	once    sync.Once
	failure error // of the start
}

// Warnings collects the Warning headers of an API server's answers.
type Warnings struct {
	mu   sync.Mutex
	list []string
}

// HandleWarningHeader implements rest.WarningHandler.
func (w *Warnings) HandleWarningHeader(_ int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Contains(w.list, text) {
		w.list = append(w.list, text)
	}
}

// All returns each warning once.
func (w *Warnings) All() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(slices.Values(w.list))
}

// Parts chooses what runs in a cluster beside its API server.
type Parts struct {
	// Controllers is the controller manager: default service accounts, garbage
	// collection, namespaces that can be deleted, Deployments, quotas.
	Controllers bool
	// Scheduler places pods; Nodes keeps fake nodes alive and runs what is
	// placed on them without running anything (kwok).
	Scheduler, Nodes bool
}

// Whole is a cluster in which pods run.
func Whole() Parts { return Parts{Controllers: true, Scheduler: true, Nodes: true} }

// startEtcd starts the one etcd of the rig. It promises nothing to a disk: its
// data is gone with the rig.
func (r *Rig) startEtcd(ctx context.Context) error {
	r.etcd.once.Do(func() { r.etcd.failure = r.etcdProcess(ctx) })
	return r.etcd.failure
}

func (r *Rig) etcdProcess(ctx context.Context) error {
	data, err := r.Dir("etcd")
	if err != nil {
		return err
	}
	_, err = r.Start(ctx, Command{
		Name: "etcd", Program: "etcd",
		Args: []string{
			"--data-dir=" + data, "--unsafe-no-fsync",
			"--listen-client-urls=http://127.0.0.1:2379", "--advertise-client-urls=http://127.0.0.1:2379",
			"--listen-peer-urls=http://127.0.0.1:2380", "--initial-advertise-peer-urls=http://127.0.0.1:2380",
			"--initial-cluster=default=http://127.0.0.1:2380",
		},
		Ready: Answers("http://127.0.0.1:2379/health"),
	})
	return err
}

// Answers is ready when a GET has the status 200.
func Answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		if err := resp.Body.Close(); err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("GET %s: %s", url, resp.Status)
		}
		return nil
	}
}

// StartCluster starts a control plane and waits until it works. The same name
// is the same cluster: whoever asks second waits for the first.
func (r *Rig) StartCluster(ctx context.Context, name string, parts Parts) (*Cluster, error) {
	r.mu.Lock()
	c := r.clusters[name]
	if c == nil {
		c = &Cluster{Name: name, rig: r, number: len(r.clusters), Warnings: &Warnings{}}
		r.clusters[name] = c
	}
	r.mu.Unlock()
	c.once.Do(func() { c.failure = c.start(ctx, parts) })
	return c, c.failure
}

func (c *Cluster) start(ctx context.Context, parts Parts) error {
	if err := c.rig.startEtcd(ctx); err != nil {
		return err
	}
	if err := c.startAPIServer(ctx); err != nil {
		return err
	}
	steps := []struct {
		wanted bool
		start  func(context.Context) error
	}{
		{parts.Controllers, c.startControllers}, {parts.Scheduler, c.startScheduler}, {parts.Nodes, c.startKwok},
	}
	for _, step := range steps {
		if !step.wanted {
			continue
		}
		if err := step.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) startAPIServer(ctx context.Context) error {
	r := c.rig
	admin := identity{user: "admin", groups: []string{"system:masters"}}
	var err error
	if c.Kubeconfig, err = c.certified("admin", admin); err != nil {
		return err
	}
	if c.Admin, err = clientcmd.BuildConfigFromFlags("", c.Kubeconfig); err != nil {
		return err
	}
	c.Admin.WarningHandler = c.Warnings
	c.Admin.QPS, c.Admin.Burst = 500, 1000 // the tests are not to wait for themselves
	if err := c.dial(); err != nil {
		return err
	}
	_, err = r.Start(ctx, Command{
		Name: c.Name + "-kube-apiserver", Program: "kube-apiserver",
		Args: []string{
			"--etcd-servers=http://127.0.0.1:2379", "--etcd-prefix=/" + c.Name,
			"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", c.port()), "--advertise-address=127.0.0.1",
			"--endpoint-reconciler-type=none", // a loopback address is refused as an endpoint
			"--tls-cert-file=" + r.certs.path("server.crt"), "--tls-private-key-file=" + r.certs.path("server.key"),
			"--client-ca-file=" + r.certs.path("ca.crt"), "--anonymous-auth=false", "--authorization-mode=Node,RBAC",
			"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=" + r.certs.path("sa.pub"),
			"--service-account-signing-key-file=" + r.certs.path("sa.key"), "--service-cluster-ip-range=10.96.0.0/16", "--allow-privileged=true",
		},
		Ready:  c.serving,
		Within: time.Minute,
	})
	return err
}

// serving is /readyz, which waits for the RBAC bootstrap too.
func (c *Cluster) serving(ctx context.Context) error {
	return c.Clients.CoreV1().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
}

func (c *Cluster) dial() error {
	typed := rest.CopyConfig(c.Admin)
	typed.ContentType = runtime.ContentTypeProtobuf // half the work for both ends
	var err error
	if c.Clients, err = kubernetes.NewForConfig(typed); err != nil {
		return err
	}
	if c.Dynamic, err = dynamic.NewForConfig(c.Admin); err != nil {
		return err
	}
	c.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(c.Clients.Discovery()))
	return nil
}

func (c *Cluster) startControllers(ctx context.Context) error {
	kubeconfig, err := c.certified("controller-manager", identity{user: "system:kube-controller-manager"})
	if err != nil {
		return err
	}
	_, err = c.rig.Start(ctx, Command{
		Name: c.Name + "-kube-controller-manager", Program: "kube-controller-manager",
		Args: []string{
			"--kubeconfig=" + kubeconfig, "--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
			"--authentication-skip-lookup", "--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", 10300+c.number),
			"--leader-elect=false", "--use-service-account-credentials",
			"--service-account-private-key-file=" + c.rig.certs.path("sa.key"), "--root-ca-file=" + c.rig.certs.path("ca.crt"),
			"--concurrent-resource-quota-syncs=5", "--controller-start-interval=0s",
		},
		Ready: func(ctx context.Context) error {
			_, err := c.Clients.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
			return err
		},
		Within: time.Minute,
	})
	return err
}

func (c *Cluster) startScheduler(ctx context.Context) error {
	kubeconfig, err := c.certified("scheduler", identity{user: "system:kube-scheduler"})
	if err != nil {
		return err
	}
	_, err = c.rig.Start(ctx, Command{
		Name: c.Name + "-kube-scheduler", Program: "kube-scheduler",
		Args: []string{
			"--kubeconfig=" + kubeconfig, "--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
			"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", 10400+c.number), "--leader-elect=false",
		},
		Ready: c.rig.secure(fmt.Sprintf("https://127.0.0.1:%d/healthz", 10400+c.number)),
	})
	return err
}

// secure is Answers for a component with a certificate it made itself.
func (r *Rig) secure(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		config := &rest.Config{Host: url, TLSClientConfig: rest.TLSClientConfig{Insecure: true}}
		client, err := rest.HTTPClientFor(config)
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer client.CloseIdleConnections()
		if err := resp.Body.Close(); err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("GET %s: %s", url, resp.Status)
		}
		return nil
	}
}

// certified writes a kubeconfig for an identity proven by a certificate.
func (c *Cluster) certified(name string, who identity) (string, error) {
	full := c.Name + "-" + name
	if err := c.rig.certs.sign(full, who); err != nil {
		return "", err
	}
	return c.writeKubeconfig(name, "", &clientcmdapi.AuthInfo{
		ClientCertificate: c.rig.certs.path(full + ".crt"), ClientKey: c.rig.certs.path(full + ".key"),
	})
}

// TokenKubeconfig writes a kubeconfig that speaks as a service account of the
// cluster, whose default namespace is the account's.
func (c *Cluster) TokenKubeconfig(ctx context.Context, namespace, serviceAccount string) (string, error) {
	config, err := c.As(ctx, namespace, serviceAccount)
	if err != nil {
		return "", err
	}
	return c.writeKubeconfig(namespace+"-"+serviceAccount, namespace, &clientcmdapi.AuthInfo{Token: config.BearerToken})
}

func (c *Cluster) writeKubeconfig(name, namespace string, user *clientcmdapi.AuthInfo) (string, error) {
	config := clientcmdapi.NewConfig()
	config.Clusters[c.Name] = &clientcmdapi.Cluster{
		Server: fmt.Sprintf("https://127.0.0.1:%d", c.port()), CertificateAuthority: c.rig.certs.path("ca.crt"),
	}
	config.AuthInfos[name] = user
	config.Contexts[c.Name] = &clientcmdapi.Context{Cluster: c.Name, AuthInfo: name, Namespace: namespace}
	config.CurrentContext = c.Name
	path := filepath.Join(c.rig.config.Dir, "kubeconfig", c.Name+"-"+name+".yaml")
	return path, clientcmd.WriteToFile(*config, path)
}

func (c *Cluster) port() int { return 6443 + c.number }

// Stop ends what runs in the cluster, the last started first, for a test whose
// cluster nobody else uses. The cluster cannot be started again.
func (c *Cluster) Stop() error {
	r := c.rig
	r.mu.Lock()
	var own []*Process
	for _, p := range r.processes {
		owner := ""
		for name := range r.clusters { // one may be called dev, and another dev-argo
			if strings.HasPrefix(p.Name, name+"-") && len(name) > len(owner) {
				owner = name
			}
		}
		if owner == c.Name {
			own = append(own, p)
		}
	}
	r.mu.Unlock()
	var errs []error
	for _, p := range slices.Backward(own) {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

// Server is the API server's address, as one process of the rig tells another.
func (c *Cluster) Server() string { return c.Admin.Host }

// CA is the path of the certificate that the API server is trusted by.
func (c *Cluster) CA() string { return c.rig.certs.path("ca.crt") }

// errNoToken is a token request that was answered without one.
var errNoToken = errors.New("the API server answered without a token")
