package agreement

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// Answer is what the API server says to one object.
type Answer struct {
	// asked is false where there is no such request: nothing without a name can
	// be applied.
	asked   bool
	refused bool
	// reason is the machine's word: Invalid, BadRequest, Forbidden.
	reason  string
	message string
	// fields are those that the server names.
	fields []string
}

// Refused reports whether the server would not store the object.
func (a Answer) Refused() bool { return a.refused }

func (a Answer) String() string {
	switch {
	case !a.asked:
		return "-"
	case !a.refused:
		return "ok"
	default:
		return a.reason
	}
}

// Server asks a real API server. The bytes go out as they stand in the
// repository, so that what YAML itself does wrong is judged too.
type Server struct {
	config    *rest.Config
	client    *http.Client
	host      string
	resources map[string]metav1.APIResource // apiVersion and kind → resource
}

// NewServer reads which kinds a server serves.
func NewServer(config *rest.Config) (*Server, error) {
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	s := &Server{config: config, client: client, host: strings.TrimSuffix(config.Host, "/"), resources: map[string]metav1.APIResource{}}
	return s, s.discover()
}

// discover reads which kinds are served, and where.
func (s *Server) discover() error {
	d, err := discovery.NewDiscoveryClientForConfig(s.config)
	if err != nil {
		return err
	}
	_, lists, err := d.ServerGroupsAndResources()
	if err != nil {
		return err
	}
	for _, list := range lists {
		for _, r := range list.APIResources {
			if !strings.Contains(r.Name, "/") {
				s.resources[list.GroupVersion+" "+r.Kind] = r
			}
		}
	}
	return nil
}

// header is what decides where a request goes.
type header struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name         string `json:"name"`
		GenerateName string `json:"generateName"`
		Namespace    string `json:"namespace"`
	} `json:"metadata"`
}

// headerOf reads what it can: an object may be broken in any way.
func headerOf(object []byte) header {
	var h header
	var loose struct {
		APIVersion any `json:"apiVersion"`
		Kind       any `json:"kind"`
		Metadata   map[string]any
	}
	if err := yaml.Unmarshal(object, &loose); err != nil {
		return h
	}
	h.APIVersion, _ = loose.APIVersion.(string)
	h.Kind, _ = loose.Kind.(string)
	text := func(key string) string {
		if value := loose.Metadata[key]; value != nil {
			return fmt.Sprint(value)
		}
		return ""
	}
	h.Metadata.Name, h.Metadata.GenerateName, h.Metadata.Namespace = text("name"), text("generateName"), text("namespace")
	return h
}

// collection is the address that objects of a kind are created at. A kind that
// is not served has the address that it would have, which answers 404.
func (s *Server) collection(h header) string {
	prefix := "/apis/"
	if !strings.Contains(h.APIVersion, "/") {
		prefix = "/api/"
	}
	r, known := s.resources[h.APIVersion+" "+h.Kind]
	if !known {
		r = metav1.APIResource{Name: strings.ToLower(h.Kind) + "s", Namespaced: h.Metadata.Namespace != ""}
	}
	address := s.host + prefix + h.APIVersion
	if r.Namespaced {
		namespace := h.Metadata.Namespace
		if namespace == "" {
			namespace = metav1.NamespaceDefault
		}
		address += "/namespaces/" + url.PathEscape(namespace)
	}
	return address + "/" + r.Name
}

const strictDryRun = "?dryRun=All&fieldValidation=Strict&fieldManager=strake-e2e"

// Create is a dry-run POST with strict field validation.
func (s *Server) Create(ctx context.Context, object []byte) (Answer, error) {
	return s.ask(ctx, http.MethodPost, s.collection(headerOf(object))+strictDryRun, "application/yaml", object)
}

// Apply is a dry-run of a server-side apply, with force and strict validation.
func (s *Server) Apply(ctx context.Context, object []byte) (Answer, error) {
	h := headerOf(object)
	if h.Metadata.Name == "" {
		return Answer{}, nil
	}
	return s.ask(ctx, http.MethodPatch, s.collection(h)+"/"+url.PathEscape(h.Metadata.Name)+strictDryRun+"&force=true", "application/apply-patch+yaml", object)
}

// Patch is a dry run of what kubectl apply sends to change an object, and Argo CD
// without server-side apply: a patch that is made of the object as it was, as it
// is to be, and as it stands there.
func (s *Server) Patch(ctx context.Context, before, after []byte) (Answer, error) {
	h := headerOf(after)
	address := s.collection(h) + "/" + url.PathEscape(h.Metadata.Name)
	live, status, err := s.do(ctx, http.MethodGet, address, "", nil)
	if err != nil || status != http.StatusOK {
		return Answer{}, fmt.Errorf("GET %s: %d %s %w", address, status, live, err)
	}
	old, errOld := yaml.YAMLToJSON(before)
	wanted, errWanted := yaml.YAMLToJSON(after)
	if err := errors.Join(errOld, errWanted); err != nil {
		return Answer{}, err
	}
	object, err := scheme.Scheme.New(schema.FromAPIVersionAndKind(h.APIVersion, h.Kind))
	if err != nil { // a kind that the client has no type for
		patch, err := jsonmergepatch.CreateThreeWayJSONMergePatch(old, wanted, live)
		if err != nil {
			return Answer{}, err
		}
		return s.ask(ctx, http.MethodPatch, address+strictDryRun, string(types.MergePatchType), patch)
	}
	keys, err := strategicpatch.NewPatchMetaFromStruct(object)
	if err != nil {
		return Answer{}, err
	}
	patch, err := strategicpatch.CreateThreeWayMergePatch(old, wanted, live, keys, true)
	if err != nil {
		return Answer{}, err
	}
	return s.ask(ctx, http.MethodPatch, address+strictDryRun, string(types.StrategicMergePatchType), patch)
}

// Define creates CustomResourceDefinitions, all of them before it waits for the
// first. A Server made afterwards knows their kinds.
func (s *Server) Define(ctx context.Context, crds ...[]byte) error {
	for _, crd := range crds {
		h := headerOf(crd)
		if a, err := s.ask(ctx, http.MethodPost, s.collection(h)+"?fieldManager=strake-e2e", "application/json", crd); err != nil || a.refused {
			return fmt.Errorf("create %s: %s %w", h.Metadata.Name, a.message, err)
		}
	}
	for _, crd := range crds {
		if err := s.established(ctx, crd); err != nil {
			return err
		}
	}
	return nil
}

// Put creates an object for good; it is an error if the server refuses it. A
// CustomResourceDefinition is given the time to be served.
func (s *Server) Put(ctx context.Context, object []byte) error {
	h := headerOf(object)
	address := s.collection(h) + "/" + h.Metadata.Name
	a, err := s.ask(ctx, http.MethodPatch, address+"?fieldValidation=Strict&fieldManager=strake-e2e&force=true", "application/apply-patch+yaml", object)
	if err == nil && a.refused {
		err = fmt.Errorf("%s %s: %s", h.Kind, h.Metadata.Name, a.message)
	}
	if err != nil || h.Kind != "CustomResourceDefinition" {
		return err
	}
	return s.established(ctx, object)
}

// established waits until the kind of a CustomResourceDefinition is served. It
// asks discovery: the definition itself can be megabytes.
func (s *Server) established(ctx context.Context, crd []byte) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	var d struct {
		Spec struct {
			Group    string                  `json:"group"`
			Names    struct{ Plural string } `json:"names"`
			Versions []struct{ Name string } `json:"versions"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(crd, &d); err != nil || len(d.Spec.Versions) == 0 {
		return fmt.Errorf("read a CustomResourceDefinition: %w", err)
	}
	address := s.host + "/apis/" + d.Spec.Group + "/" + d.Spec.Versions[0].Name
	for {
		data, status, err := s.do(ctx, http.MethodGet, address, "", nil)
		if err != nil {
			return fmt.Errorf("wait for %s.%s to be served: %w", d.Spec.Names.Plural, d.Spec.Group, err)
		}
		var list metav1.APIResourceList
		if status == http.StatusOK {
			if err := json.Unmarshal(data, &list); err != nil {
				return err
			}
		}
		if slices.ContainsFunc(list.APIResources, func(r metav1.APIResource) bool { return r.Name == d.Spec.Names.Plural }) {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Remove deletes an object and waits until it is gone. The finalizers that
// admission added go first: the controller that would take them off again does
// not run.
func (s *Server) Remove(ctx context.Context, object []byte) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	h := headerOf(object)
	address := s.collection(h) + "/" + h.Metadata.Name
	for {
		said, status, err := s.do(ctx, http.MethodPatch, address, "application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`))
		if err != nil {
			return fmt.Errorf("remove %s: %w", address, err)
		}
		if status == http.StatusNotFound {
			return nil
		}
		if status < http.StatusBadRequest {
			said, status, err = s.do(ctx, http.MethodDelete, address+"?gracePeriodSeconds=0&propagationPolicy=Background", "", nil)
		}
		if err != nil || status >= http.StatusBadRequest && status != http.StatusNotFound && status != http.StatusConflict {
			return fmt.Errorf("remove %s: %d %s %w", address, status, said, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("remove %s: it is still there: %d %s", address, status, said)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (s *Server) do(ctx context.Context, method, address, contentType string, body []byte) (data []byte, status int, err error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	req.Header.Set("Accept", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		if closing := resp.Body.Close(); err == nil {
			err = closing
		}
	}()
	data, err = io.ReadAll(resp.Body)
	return data, resp.StatusCode, err
}

var unknownField = regexp.MustCompile(`(?:unknown field|duplicate field) "([^"]+)"`)

// ask sends one request. Only what is a verdict on the object is an answer; a
// server that is busy, or does not know the caller, is an error.
func (s *Server) ask(ctx context.Context, method, address, contentType string, body []byte) (Answer, error) {
	data, code, err := s.do(ctx, method, address, contentType, body)
	if err != nil {
		return Answer{}, err
	}
	if code < http.StatusBadRequest {
		return Answer{asked: true}, nil
	}
	if code == http.StatusUnauthorized || code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable || code == http.StatusConflict {
		return Answer{}, fmt.Errorf("%s %s: %d %s", method, address, code, data)
	}
	a := Answer{asked: true, refused: true, reason: http.StatusText(code), message: string(data)}
	var status metav1.Status
	if err := json.Unmarshal(data, &status); err == nil && status.Kind == "Status" {
		a.message = status.Message
		if status.Reason != "" {
			a.reason = string(status.Reason)
		}
		if status.Details != nil {
			for _, cause := range status.Details.Causes {
				if cause.Field != "" {
					a.fields = append(a.fields, cause.Field)
				}
			}
		}
	}
	for _, m := range unknownField.FindAllStringSubmatch(a.message, -1) {
		a.fields = append(a.fields, m[1])
	}
	slices.Sort(a.fields)
	a.fields = slices.Compact(a.fields)
	return a, nil
}
