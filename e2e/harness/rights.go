package harness

import (
	"context"
	"fmt"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// As returns a client configuration with the token of a service account: what
// it does is judged by RBAC and by nothing else.
func (c *Cluster) As(ctx context.Context, namespace, serviceAccount string) (*rest.Config, error) {
	hours := int64(3600)
	answer, err := c.Clients.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, serviceAccount, &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &hours},
	}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("token of %s/%s: %w", namespace, serviceAccount, err)
	}
	if answer.Status.Token == "" {
		return nil, errNoToken
	}
	return &rest.Config{
		Host: c.Admin.Host, BearerToken: answer.Status.Token,
		TLSClientConfig: rest.TLSClientConfig{CAFile: c.CA()}, QPS: 200, Burst: 400,
	}, nil
}
