package spec

import (
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // time zones must be known on a machine without a database of them
)

// A format judges a string. It returns the slug of the rule that is broken and
// what to write instead, or two empty strings.
type format func(s string) (rule, want string)

// patternFormat is a format that a compiled regular expression and a greatest
// length describe. want says what to write instead.
type patternFormat struct {
	name, rule string
	most       int
	form       *regexp.Regexp
	want       string
}

// patternFormats is a table, never changed.
var patternFormats = [...]patternFormat{
	{"name", ruleName, 63, dnsLabel, "lower-case letters, digits and hyphens, at most 63, beginning and ending with a letter or digit"},
	{"tenant", ruleName, 52, dnsLabel, "lower-case letters, digits and hyphens, at most 52 because names are made of it, beginning and ending with a letter or digit"},
	{"pipeline", ruleName, 52, dnsLabel, "lower-case letters, digits and hyphens, at most 52 because a CronWorkflow adds 11, beginning and ending with a letter or digit"},
	{"service", ruleName, 63, gkeName, "lower-case letters, digits and hyphens, at most 63, beginning with a letter, as the name of a Service must"},
	{"objectname", ruleName, 253, dnsSubdomain, "lower-case letters, digits, hyphens and dots, at most 253, beginning and ending with a letter or digit"},
	{"labelvalue", ruleName, 63, labelValue, "letters, digits, dots, hyphens and underscores, at most 63, beginning and ending with a letter or digit"},
	{"configkey", ruleName, 253, configKey, "letters, digits, dots, hyphens and underscores"},
	{"envname", ruleName, 253, envName, "letters, digits and _, not beginning with a digit"},
	{"artifact", ruleName, 63, artifactName, "letters, digits, - and _"},
	{"fact", ruleName, 253, variableName, "letters, digits, - and _, beginning with a letter"},
	{"release", ruleName, 253, releaseKey, "TENANT/PIPELINE, TENANT/PIPELINE/TASK or TENANT/SERVICE"},
	{"secretid", ruleName, 255, secretID, "the name of a secret in the store: letters, digits, - and _. Never write a secret's value here"},
	{"secretversion", ruleName, 63, secretVersion, "latest, a number, or an alias of the version"},
	{"gcpproject", ruleName, 63, gcpProject, "a project ID: 6 to 30 lower-case letters, digits and hyphens, beginning with a letter, not ending with a hyphen"},
	{"gcpregion", ruleName, 63, gcpRegion, "a region such as asia-northeast1 or europe-west4"},
	{"gcplocation", ruleName, 63, gcpLocation, "a region such as asia-northeast1, or a zone such as asia-northeast1-a"},
	{"cluster", ruleName, 40, gkeName, "lower-case letters, digits and hyphens, at most 40, beginning with a letter"},
	{"nodepool", ruleName, 40, gkeName, "lower-case letters, digits and hyphens, at most 40, beginning with a letter"},
	{"instance", ruleName, 98, gkeName, "lower-case letters, digits and hyphens, beginning with a letter"},
	{"connection", ruleName, 255, connectionName, "project:region:instance"},
	{"database", ruleName, 63, databaseName, "letters, digits, - and _, beginning with a letter or _"},
	{"s3bucket", ruleName, 63, s3Bucket, "3 to 63 lower-case letters, digits, dots and hyphens"},
	{"revision", ruleValue, 255, gitRevision, "a tag or a commit"},
	{"trigger", ruleName, 63, dnsLabel, "the name of a trigger, such as on-sync-failed"},
	{"slackchannel", ruleValue, 80, slackChannel, "the name of a channel, without #: lower-case letters, digits, - and _"},
	{"groupkind", ruleName, 316, groupKind, "GROUP/KIND such as keda.sh/ScaledObject, or the KIND of the core group"},
	{"argocdcomponent", ruleName, 63, argocdComponent, "a component of Argo CD: argocd-application-controller, argocd-applicationset-controller, argocd-dex-server, argocd-notifications-controller, argocd-redis, argocd-repo-server or argocd-server"},
	{"argocdrole", ruleValue, 63, argocdRole, "role:admin, role:readonly or role:sync-all"},
	{"argocddefault", ruleValue, 63, argocdDefault, "role:readonly, or nothing: whatever it grants, everybody who logs in has, and no other line takes it back"},
	{"color", ruleValue, 32, cssColor, "a colour as CSS names it: red, #b00020"},
	{"minor", ruleValue, 16, minorVersion, `a minor version in quotes, "1.33"`},
	{"pin", ruleValue, 32, pinnedVersion, "the minor version of Strake, 0.1.x"},
	{"semver", ruleValue, 64, semanticVersion, "a version such as v3.7.18"},
	{"host", ruleValue, 253, hostName, "a host name or an IP address, without a scheme or a port"},
	{"days", ruleValue, 6, wholeDays, "whole days, such as 180d"},
	{"serviceaccount", ruleValue, 160, googleServiceAccount, "the e-mail of a Google service account, NAME@PROJECT.iam.gserviceaccount.com"},
	{"account", ruleValue, 160, serviceAccountID, "a Google service account: its ID of 6 to 30 lower-case letters, digits and hyphens, or its e-mail, NAME@PROJECT.iam.gserviceaccount.com"},
	{"projectnumber", ruleValue, 20, projectNumber, "the number of a project, in quotes"},
	{"network", ruleName, 63, gkeName, "lower-case letters, digits and hyphens, at most 63, beginning with a letter"},
	{"dataset", ruleName, 1024, datasetName, "letters, digits and _"},
	{"role", ruleValue, 255, iamRole, "a role of IAM: roles/bigquery.jobUser, projects/PROJECT/roles/NAME or organizations/NUMBER/roles/NAME"},
	{"clock", ruleValue, 5, clockTime, `a time of day in quotes, "18:00"`},
	{"sqltier", ruleValue, 63, sqlTier, "a machine type of Cloud SQL: db-f1-micro, db-custom-2-7680 or db-perf-optimized-N-4"},
	{"mount", ruleValue, 4096, mountPath, "the absolute path in the container that the files are put at"},
	{"urlpath", ruleValue, 2048, urlPath, "the path of a URL, such as /healthz"},
	{"abspath", ruleValue, 4096, absolutePath, "an absolute path in the container, such as /tmp/dataset.pkl"},
}

// lookupFormat returns the format of a tag. A nil function accepts anything.
func lookupFormat(name string) format {
	for i := range patternFormats {
		if patternFormats[i].name == name {
			return patternFormats[i].judge
		}
	}
	switch name {
	case "placement":
		return placementKey
	case "labelkey":
		return labelKey
	case "variable":
		return declaredName
	case "bucket":
		return bucket
	case "endpoint":
		return endpoint
	case "cidr":
		return cidr
	case "ipv4":
		return ipv4
	case "cron":
		return cron
	case "timezone":
		return timezone
	case "duration":
		return duration
	case "date":
		return date
	case "email":
		return email
	case "url":
		return webURL
	case "giturl":
		return gitURL
	case "branch":
		return branch
	case "path":
		return repositoryPath
	case "relpath":
		return relativePath
	case "quantities":
		return quantity
	case "quota":
		return quotaKey
	case "resource":
		return resourceKey
	default:
		return nil
	}
}

// placementKey accepts an environment's name and $all.
func placementKey(s string) (string, string) {
	if s != allEnvironments && (len(s) > 63 || !dnsLabel.MatchString(s)) {
		return ruleName, "the name of an environment, or $all"
	}
	return "", ""
}

var (
	dnsLabel             = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	dnsSubdomain         = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
	gitRevision          = regexp.MustCompile(`^[A-Za-z0-9][-A-Za-z0-9._/+]*$`)
	slackChannel         = regexp.MustCompile(`^[a-z0-9][-a-z0-9_]*$`)
	groupKind            = regexp.MustCompile(`^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Z][A-Za-z0-9]{0,62}$`)
	argocdComponent      = regexp.MustCompile(`^argocd-(application-controller|applicationset-controller|dex-server|notifications-controller|redis|repo-server|server)$`)
	argocdRole           = regexp.MustCompile(`^role:(admin|readonly|sync-all)$`)
	argocdDefault        = regexp.MustCompile(`^(role:readonly)?$`)
	cssColor             = regexp.MustCompile(`^([a-z]+|#[0-9a-fA-F]{3}|#[0-9a-fA-F]{6})$`)
	labelValue           = regexp.MustCompile(`^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$`)
	configKey            = regexp.MustCompile(`^[-._a-zA-Z0-9]+$`)
	envName              = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	artifactName         = regexp.MustCompile(`^[A-Za-z0-9_][-A-Za-z0-9_]*$`)
	secretID             = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	secretVersion        = regexp.MustCompile(`^(latest|[1-9][0-9]*|[A-Za-z][A-Za-z0-9_-]*)$`)
	gcpProject           = regexp.MustCompile(`^([a-z0-9][-a-z0-9]*(\.[a-z0-9][-a-z0-9]*)+:)?[a-z][-a-z0-9]{4,28}[a-z0-9]$`)
	gcpRegion            = regexp.MustCompile(`^[a-z]+-[a-z]+[0-9]{1,2}$`)
	gcpLocation          = regexp.MustCompile(`^[a-z]+-[a-z]+[0-9]{1,2}(-[a-z])?$`)
	gkeName              = regexp.MustCompile(`^[a-z]([-a-z0-9]*[a-z0-9])?$`)
	connectionName       = regexp.MustCompile(`^[a-z0-9.:-]+:[a-z]+-[a-z]+[0-9]{1,2}:[a-z][-a-z0-9]*$`)
	databaseName         = regexp.MustCompile(`^[A-Za-z_][-A-Za-z0-9_]*$`)
	s3Bucket             = regexp.MustCompile(`^[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]$`)
	minorVersion         = regexp.MustCompile(`^1\.[0-9]{2}$`)
	pinnedVersion        = regexp.MustCompile(`^[0-9]+\.[0-9]+\.(x|[0-9]+)$`)
	semanticVersion      = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$`)
	hostName             = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?$`)
	wholeDays            = regexp.MustCompile(`^[1-9][0-9]*d$`)
	googleServiceAccount = regexp.MustCompile(`^[a-z]([-a-z0-9]{4,28}[a-z0-9])@[a-z0-9.-]+\.iam\.gserviceaccount\.com$`)
	serviceAccountID     = regexp.MustCompile(`^[a-z]([-a-z0-9]{4,28}[a-z0-9])(@[a-z0-9.-]+\.iam\.gserviceaccount\.com)?$`)
	projectNumber        = regexp.MustCompile(`^[1-9][0-9]{5,18}$`)
	datasetName          = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
	iamRole              = regexp.MustCompile(`^((projects/[a-z0-9.:-]+|organizations/[0-9]+)/)?roles/[A-Za-z0-9_.]+$`)
	clockTime            = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`)
	sqlTier              = regexp.MustCompile(`^db-(custom-[0-9]+-[0-9]+|[a-z0-9]+-[A-Za-z0-9-]+)$`)
	mountPath            = regexp.MustCompile(`^/[^:\x00-\x1f]+$`)
	urlPath              = regexp.MustCompile(`^/[^\x00-\x20]*$`)
	absolutePath         = regexp.MustCompile(`^/[^\x00-\x1f]+$`)
	releaseKey           = regexp.MustCompile(`^[a-z0-9][-a-z0-9]*(/[a-z0-9][-a-z0-9]*){1,2}$`)
	variableName         = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)
)

func (p *patternFormat) judge(s string) (string, string) {
	if len(s) > p.most || !p.form.MatchString(s) {
		return p.rule, p.want
	}
	return "", ""
}

// labelKey accepts a qualified name of Kubernetes: an optional DNS subdomain, a
// slash, and a name.
func labelKey(s string) (string, string) {
	prefix, name, found := strings.Cut(s, "/")
	if !found {
		prefix, name = "", s
	}
	if name == "" || len(name) > 63 || !labelValue.MatchString(name) || found && (len(prefix) > 253 || !dnsSubdomain.MatchString(prefix)) {
		return ruleName, "a label key: an optional domain and a slash, then letters, digits, dots, hyphens and underscores, at most 63"
	}
	return "", ""
}

func declaredName(s string) (string, string) {
	switch {
	case !variableName.MatchString(s):
		return ruleName, "letters, digits, - and _, beginning with a letter"
	case isBuiltIn(s):
		return ruleName, "another name: this one is built in"
	}
	return "", ""
}

// bucket follows https://cloud.google.com/storage/docs/buckets#naming.
func bucket(s string) (string, string) {
	const want = "3 to 63 lower-case letters, digits, dots, hyphens and underscores, beginning and ending with a letter or digit, without \"goog\" in front or \"google\" within"
	ends := func(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }
	switch {
	case len(s) < 3 || len(s) > 63 && !strings.Contains(s, ".") || len(s) > 222, !ends(s[0]), !ends(s[len(s)-1]):
		return ruleName, want
	case strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.", r)
	}):
		return ruleName, want
	case strings.HasPrefix(s, "goog"), strings.Contains(s, "google"):
		return ruleName, want
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return ruleName, "a name that is not an IP address"
	}
	return "", ""
}

func endpoint(s string) (string, string) {
	const want = "host or host:port, without a scheme"
	host, port, found := strings.Cut(s, ":")
	if found {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return ruleValue, want
		}
	}
	if !hostName.MatchString(host) {
		return ruleValue, want
	}
	return "", ""
}

func cidr(s string) (string, string) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return ruleValue, "an address range such as 172.16.0.0/28"
	}
	if p.Masked() != p {
		return ruleValue, "the first address of the range: " + p.Masked().String()
	}
	return "", ""
}

func ipv4(s string) (string, string) {
	if a, err := netip.ParseAddr(s); err != nil || !a.Is4() || a.IsUnspecified() {
		return ruleValue, "an IPv4 address such as 10.96.0.10"
	}
	return "", ""
}

func timezone(s string) (string, string) {
	const want = "a name of the IANA time zone database, such as Asia/Tokyo or Etc/UTC"
	if s == "" || s == "Local" {
		return ruleValue, want
	}
	if _, err := time.LoadLocation(s); err != nil {
		return ruleValue, want
	}
	return "", ""
}

func duration(s string) (string, string) {
	d, err := ParseDuration(s)
	if err != nil || d <= 0 {
		return ruleValue, "a duration such as 30s, 10m, 3h or 180d"
	}
	return "", ""
}

func date(s string) (string, string) {
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return ruleValue, "a date such as 2026-12-31"
	}
	return "", ""
}

func email(s string) (string, string) {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s {
		return ruleValue, "an e-mail address"
	}
	return "", ""
}

func webURL(s string) (string, string) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return ruleValue, "an https URL without a user name"
	}
	return "", ""
}

var scpURL = regexp.MustCompile(`^[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:[A-Za-z0-9_./~-]+$`)

// gitURL never accepts a password: the spec is public to everybody who may
// read the repository.
func gitURL(s string) (string, string) {
	const want = "https://HOST/OWNER/NAME or git@HOST:OWNER/NAME, without a password"
	if scpURL.MatchString(s) {
		return "", ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") == "" {
		return ruleValue, want
	}
	_, password := u.User.Password()
	switch {
	case u.Scheme == "https" && u.User == nil, u.Scheme == "ssh" && !password:
		return "", ""
	}
	return ruleValue, want
}

var branchName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./-]*$`)

func branch(s string) (string, string) {
	if !branchName.MatchString(s) || strings.Contains(s, "..") || strings.Contains(s, "//") || strings.HasSuffix(s, "/") || strings.HasSuffix(s, ".lock") || strings.HasSuffix(s, ".") {
		return ruleName, "the name of a branch, without refs/heads/"
	}
	return "", ""
}

// repositoryPath accepts a relative path that does not climb out.
func repositoryPath(s string) (string, string) {
	const want = "a relative path with slashes that stays in the repository"
	if s == "" || strings.HasPrefix(s, "/") || strings.ContainsAny(s, "\\\x00") || len(s) > 1 && s[1] == ':' {
		return ruleValue, want
	}
	for part := range strings.SplitSeq(s, "/") {
		if part == ".." {
			return ruleValue, want
		}
	}
	return "", ""
}

// relativePath is a path that may begin with "..": the loader holds it against
// the repository once it is joined to the directory it is relative to.
func relativePath(s string) (string, string) {
	for strings.HasPrefix(s, "../") {
		s = s[len("../"):]
	}
	if rule, _ := repositoryPath(s); rule != "" {
		return rule, "a relative path with slashes: ../infra/dev"
	}
	return "", ""
}

// quotaNames are the compute and object counts of a ResourceQuota:
// https://kubernetes.io/docs/concepts/policy/resource-quotas/.
func quotaNames() []string {
	return []string{
		"cpu", "memory", "pods", "ephemeral-storage", "configmaps", "secrets", "services", "persistentvolumeclaims",
		"replicationcontrollers", "resourcequotas", "services.loadbalancers", "services.nodeports",
		"requests.cpu", "requests.memory", "requests.storage", "requests.ephemeral-storage", "requests.nvidia.com/gpu",
		"limits.cpu", "limits.memory", "limits.ephemeral-storage",
	}
}

func quotaKey(s string) (string, string) {
	if slices.Contains(quotaNames(), s) {
		return "", ""
	}
	if rest, found := strings.CutPrefix(s, "requests."); found && strings.Contains(rest, "/") {
		return labelKey(rest)
	}
	if _, found := strings.CutPrefix(s, "count/"); found {
		return labelKey(s)
	}
	return ruleName, "a resource that a ResourceQuota counts: cpu, memory, pods, requests.nvidia.com/gpu, count/KIND.GROUP"
}

func resourceKey(s string) (string, string) {
	switch {
	case s == "cpu", s == "memory", s == "ephemeral-storage", strings.HasPrefix(s, "hugepages-"):
		return "", ""
	case strings.Contains(s, "/"):
		return labelKey(s)
	}
	return ruleName, "cpu, memory, ephemeral-storage, or an extended resource such as nvidia.com/gpu"
}
