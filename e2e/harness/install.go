package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// component is a part of an installation of Argo CD that runs here.
type component struct {
	// workload is the Deployment or StatefulSet that the cluster holds, and
	// container the one of its containers that is run.
	workload, container string
	// speaks to the API server, as the pod's service account.
	speaks bool
	// args and env are the harness's own, and come after the rendered ones.
	args, env []string
	ready     func(context.Context) error
}

// RunArgoCD runs an installation of Argo CD that stands in the cluster: redis,
// the repo-server, the server and the application controller, each in the place
// of a pod of its workload, with the arguments and the environment that the
// workload has in the cluster now, read from the ConfigMaps and Secrets that it
// names, and with the rights of its service account. They find each other by the
// names of their Services. What the cluster trusts of Git servers
// (argocd-tls-certs-cm) is what stands there now.
//
// Dex, the controllers of ApplicationSets and of notifications are not run. A rig
// has the names for one such installation.
func (c *Cluster) RunArgoCD(ctx context.Context) (*ArgoCD, error) {
	if err := c.redisPassword(ctx); err != nil {
		return nil, err
	}
	parts, err := c.components(ctx)
	if err != nil {
		return nil, err
	}
	for _, part := range parts {
		if err := c.runComponent(ctx, part); err != nil {
			return nil, fmt.Errorf("%s: %w", part.workload, err)
		}
	}
	return &ArgoCD{Cluster: c}, nil
}

// Settings are what the server tells whoever opens its page, before a login.
func (a *ArgoCD) Settings(ctx context.Context) (settings struct {
	URL                string `json:"url"`
	TrackingMethod     string `json:"trackingMethod"`
	UserLoginsDisabled bool   `json:"userLoginsDisabled"`
	OIDCConfig         struct {
		Issuer   string `json:"issuer"`
		ClientID string `json:"clientID"`
	} `json:"oidcConfig"`
}, err error,
) {
	address, err := a.rig.address("argocd-server")
	if err != nil {
		return settings, err
	}
	client, err := rest.UnversionedRESTClientFor(&rest.Config{
		Host: "https://" + address + ":8080", TLSClientConfig: rest.TLSClientConfig{Insecure: true}, // of its own making
		ContentConfig: rest.ContentConfig{NegotiatedSerializer: scheme.Codecs.WithoutConversion()},
	})
	if err != nil {
		return settings, err
	}
	data, err := client.Get().AbsPath("/api/v1/settings").DoRaw(ctx)
	if err != nil {
		return settings, err
	}
	return settings, json.Unmarshal(data, &settings)
}

// components are what is run, in order: the controller looks for the others.
func (c *Cluster) components(ctx context.Context) ([]component, error) {
	at := map[string]string{}
	for _, name := range []string{"argocd-redis", "argocd-repo-server", "argocd-server"} {
		address, err := c.rig.address(name)
		if err != nil {
			return nil, err
		}
		at[name] = address
	}
	env := []string{"ARGOCD_GPG_ENABLED=false", "ARGOCD_FAKE_IN_CLUSTER=true"}
	for variable, sub := range map[string]string{"ARGOCD_TLS_DATA_PATH": "tls", "ARGOCD_SSH_DATA_PATH": "ssh", "ARGOCD_GNUPGHOME": "gpg", "KUBECACHEDIR": "kubecache"} {
		dir, err := c.rig.Dir(c.Name+"-argocd", sub)
		if err != nil {
			return nil, err
		}
		env = append(env, variable+"="+dir)
		if sub == "tls" {
			if err := c.mount(ctx, argocdNamespace, "argocd-tls-certs-cm", dir); err != nil {
				return nil, err
			}
		}
	}
	data, err := c.rig.Dir(c.Name+"-argocd", "redis")
	if err != nil {
		return nil, err
	}
	listen := func(name string) []string { return []string{"--address=" + at[name], "--metrics-address=" + at[name]} }
	metrics := controllerMetrics + c.number
	return []component{
		{
			workload: "argocd-redis", container: "redis", args: []string{"--bind", at["argocd-redis"], "--dir", data},
			ready: c.rig.listening(at["argocd-redis"] + ":6379"),
		},
		{
			workload: "argocd-repo-server", container: "argocd-repo-server", env: env, args: listen("argocd-repo-server"),
			ready: Answers("http://" + at["argocd-repo-server"] + ":8084/healthz"),
		},
		{
			// It listens on every address, since it asks itself for things by the name
			// localhost.
			workload: "argocd-server", container: "argocd-server", env: env, speaks: true,
			ready: c.rig.secure("https://" + at["argocd-server"] + ":8080/healthz"),
		},
		{
			workload: "argocd-application-controller", container: "argocd-application-controller", speaks: true,
			// Its waves follow each other without a pause of two seconds.
			env: append(slices.Clone(env), "ARGOCD_SYNC_WAVE_DELAY=0"),
			// Other clusters have theirs, and all of them listen on every address. Tests
			// edit the same application again and again.
			args:  []string{fmt.Sprintf("--metrics-port=%d", metrics), "--self-heal-backoff-timeout-seconds=0"},
			ready: Answers(fmt.Sprintf("http://127.0.0.1:%d/healthz", metrics)),
		},
	}, nil
}

// listening is ready when something accepts connections.
func (r *Rig) listening(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return connection.Close()
	}
}

// pods is the template of a workload's pods, as the cluster has it.
func (c *Cluster) pods(ctx context.Context, workload string) (corev1.PodSpec, error) {
	if workload == "argocd-application-controller" {
		set, err := c.Clients.AppsV1().StatefulSets(argocdNamespace).Get(ctx, workload, metav1.GetOptions{})
		if err != nil {
			return corev1.PodSpec{}, err
		}
		return set.Spec.Template.Spec, nil
	}
	deployment, err := c.Clients.AppsV1().Deployments(argocdNamespace).Get(ctx, workload, metav1.GetOptions{})
	if err != nil {
		return corev1.PodSpec{}, err
	}
	return deployment.Spec.Template.Spec, nil
}

// redisPassword runs the init container of redis, which makes the Secret that
// all the others read.
func (c *Cluster) redisPassword(ctx context.Context) error {
	spec, err := c.pods(ctx, "argocd-redis")
	if err != nil {
		return err
	}
	i := slices.IndexFunc(spec.InitContainers, func(c corev1.Container) bool { return c.Name == "secret-init" })
	if i < 0 {
		return errors.New("argocd-redis has no container secret-init")
	}
	kubeconfig, err := c.TokenKubeconfig(ctx, argocdNamespace, spec.ServiceAccountName)
	if err != nil {
		return err
	}
	command := slices.Concat(spec.InitContainers[i].Command, spec.InitContainers[i].Args)
	_, err = c.rig.Run(ctx, []string{"KUBECONFIG=" + kubeconfig}, command[0], command[1:]...)
	return err
}

// runComponent runs a container of a workload as a process.
func (c *Cluster) runComponent(ctx context.Context, part component) error {
	spec, err := c.pods(ctx, part.workload)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(spec.Containers, func(c corev1.Container) bool { return c.Name == part.container })
	if i < 0 {
		return fmt.Errorf("it has no container %s", part.container)
	}
	container := spec.Containers[i]
	rendered, err := c.environment(ctx, container, part.workload+"-0", argocdNamespace)
	if err != nil {
		return err
	}
	env := slices.Concat(rendered, part.env)
	command := arguments(slices.Concat(container.Command, container.Args), rendered)
	if len(command) == 0 {
		return fmt.Errorf("container %s has neither command nor arguments", container.Name)
	}
	program := "redis-server" // the entrypoint of the image puts it before arguments
	if !strings.HasPrefix(command[0], "-") {
		// One program, which is what it is called.
		env = append(env, "ARGOCD_BINARY_NAME="+path.Base(command[0]))
		program, command = "argocd", command[1:]
	}
	if part.speaks {
		kubeconfig, err := c.TokenKubeconfig(ctx, argocdNamespace, spec.ServiceAccountName)
		if err != nil {
			return err
		}
		env = append(env, "KUBECONFIG="+kubeconfig)
	}
	_, err = c.rig.Start(ctx, Command{
		Name: c.Name + "-" + part.workload, Program: program,
		Args: slices.Concat(command, part.args), Env: env, Ready: part.ready,
	})
	return err
}
