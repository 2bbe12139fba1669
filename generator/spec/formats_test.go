package spec

import (
	"strings"
	"testing"
	"time"
)

// TestFormats lists what each format accepts and refuses.
func TestFormats(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("a", n) }
	for name, c := range map[string]struct{ good, bad []string }{
		"name":           {[]string{"a", "a-b", "1a", long(63)}, []string{"", "A", "a_b", "-a", "a-", "a.b", long(64), "a\n"}},
		"tenant":         {[]string{long(52)}, []string{long(53)}},
		"pipeline":       {[]string{long(52)}, []string{long(53)}},
		"objectname":     {[]string{"a.b", "workflow-runner"}, []string{"a..b", ".a", "A", ""}},
		"labelvalue":     {[]string{"", "a_B.c"}, []string{"-a", "a b", long(64)}},
		"labelkey":       {[]string{"team", "example.com/team", "a_b.c"}, []string{"", "/a", "a/", "a b", "EXAMPLE.com/a", long(64)}},
		"configkey":      {[]string{"A_B.c-d"}, []string{"", "a b", "a/b"}},
		"envname":        {[]string{"A", "_a1"}, []string{"1a", "a-b", ""}},
		"variable":       {[]string{"team", "a-b"}, []string{"environment", "facts", "release", "1a", "a b"}},
		"placement":      {[]string{"$all", "dev"}, []string{"$al", "Dev", ""}},
		"release":        {[]string{"a/b", "a/b/c"}, []string{"a", "a/b/c/d", "A/b", "a//b"}},
		"secretid":       {[]string{"a_B-1"}, []string{"", "a b", "projects/x/secrets/y", long(256)}},
		"secretversion":  {[]string{"latest", "3", "blue"}, []string{"0", "-1", ""}},
		"gcpproject":     {[]string{"mlops-dev", "example.com:mlops-dev"}, []string{"mlops", "1mlops", "Mlops-dev", "mlops-", "mlops_dev", long(31)}},
		"gcpregion":      {[]string{"asia-northeast1", "us-central1"}, []string{"asia-northeast1-a", "tokyo", "asia_northeast1"}},
		"gcplocation":    {[]string{"asia-northeast1", "asia-northeast1-a"}, []string{"tokyo", "asia-northeast1-aa"}},
		"bucket":         {[]string{"abc", "a_b.c-1"}, []string{"ab", "Abc", "goog-x", "my-google-x", "192.168.0.1", "-abc", "abc-", long(64)}},
		"s3bucket":       {[]string{"abc"}, []string{"ab", "Abc", long(64)}},
		"connection":     {[]string{"p:asia-northeast1:i", "example.com:proj:asia-northeast1:i"}, []string{"p:i", "i"}},
		"endpoint":       {[]string{"minio:9000", "s3.amazonaws.com"}, []string{"https://minio", "minio:0", "minio:x", ""}},
		"host":           {[]string{"db.example.com", "10.0.0.1"}, []string{"db:5432", "https://db", ""}},
		"cidr":           {[]string{"172.16.0.0/28", "fd00::/8"}, []string{"172.16.0.1/28", "172.16.0.0", "x"}},
		"ipv4":           {[]string{"10.96.0.10", "34.118.224.10"}, []string{"10.96.0.0/20", "10.96.0", "fd00::10", "0.0.0.0", "kube-dns", ""}},
		"cron":           {[]string{"0 3 * * *", "*/5 0-6,12 1 jan-mar MON", "@daily", "@every 1h30m", "? ? ? ? ?"}, []string{"", "0 3 * *", "0 3 * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7", "5-1 * * * *", "*/0 * * * *", "@often", "@every x", "TZ=UTC 0 3 * * *", "CRON_TZ=UTC 0 3 * * *", "+1 * * * *", "1,,2 * * * *"}},
		"timezone":       {[]string{"Asia/Tokyo", "Etc/UTC", "UTC"}, []string{"", "Local", "Tokyo", "../etc/passwd", "asia/tokio"}},
		"duration":       {[]string{"30s", "10m", "3h", "180d", "1h30m", "1.5h", "500ms"}, []string{"", "0s", "10", "-1h", "1 h", "1y", "h", "99999999999d"}},
		"days":           {[]string{"1d", "180d"}, []string{"0d", "12h", "1.5d", "d"}},
		"date":           {[]string{"2026-12-31"}, []string{"2026-02-30", "31.12.2026", "2026-1-1"}},
		"email":          {[]string{"a@example.com"}, []string{"a", "A <a@example.com>", "a@b@c"}},
		"serviceaccount": {[]string{"runner-sa@mlops-dev.iam.gserviceaccount.com"}, []string{"runner-sa", "a@example.com", "123-compute@developer.gserviceaccount.com"}},
		"account":        {[]string{"runner-sa", "runner-sa@mlops-dev.iam.gserviceaccount.com"}, []string{"short", "a@example.com", "Runner-sa", "123-compute@developer.gserviceaccount.com"}},
		"projectnumber":  {[]string{"123456789012"}, []string{"", "0123456", "mlops-dev", "12"}},
		"network":        {[]string{"mlops-dev", long(63)}, []string{"1a", "a_b", "a-", long(64)}},
		"dataset":        {[]string{"btcusd", "a_B1"}, []string{"a-b", "", "a.b"}},
		"role":           {[]string{"roles/bigquery.jobUser", "projects/mlops-dev/roles/reader", "organizations/123/roles/reader"}, []string{"bigquery.jobUser", "roles/", "role/x", "roles/a b"}},
		"clock":          {[]string{"18:00", "00:59"}, []string{"24:00", "9:00", "18:60", ""}},
		"sqltier":        {[]string{"db-f1-micro", "db-custom-2-7680", "db-perf-optimized-N-4"}, []string{"custom-2", "db-", "e2-standard-2"}},
		"mount":          {[]string{"/etc/app"}, []string{"/", "etc", "/a:b"}},
		"relpath":        {[]string{"a/b", "../infra/dev", "../../x"}, []string{"", "/a", "a/../b", "..", "../"}},
		"url":            {[]string{"https://example.com/x", "http://localhost:2746"}, []string{"example.com", "https://u:p@example.com", "ftp://x", "https://"}},
		"giturl":         {[]string{"https://github.com/a/b", "git@github.com:a/b.git", "ssh://git@github.com/a/b"}, []string{"github.com/a/b", "https://u@github.com/a/b", "https://u:p@github.com/a/b", "http://github.com/a/b", "https://github.com/"}},
		"branch":         {[]string{"main", "release/1.0"}, []string{"", "-x", "a..b", "a//b", "a/", "a.lock", "a b"}},
		"path":           {[]string{"a/b.yaml", "./a"}, []string{"", "/a", "../a", "a/../../b", `a\b`, "C:/x"}},
		"urlpath":        {[]string{"/", "/healthz", "/api/v1?x=y"}, []string{"", "healthz", "/a b", "/a\n"}},
		"service":        {[]string{"api", "a1-b"}, []string{"1a", "A", "a.b", "", strings.Repeat("a", 64)}},
		"abspath":        {[]string{"/tmp/x"}, []string{"tmp/x", "/", "", "/a\nb"}},
		"quantities":     {[]string{"1", "500m", "1.5", "4Gi", "1e3", ".5", "100k"}, []string{"", "-1", "4GB", "1 Gi", "x", "1mi", "0x1"}},
		"quota":          {[]string{"cpu", "requests.nvidia.com/gpu", "count/jobs.batch", "pods"}, []string{"gpu", "requests.foo", "mem", "count/"}},
		"resource":       {[]string{"cpu", "memory", "nvidia.com/gpu", "hugepages-2Mi"}, []string{"gpu", "mem", "pods"}},
		"minor":          {[]string{"1.33"}, []string{"1.3", "1.33.1", "v1.33", "2.10"}},
		"pin":            {[]string{"0.1.x", "0.1.3"}, []string{"0.1", "latest", "v0.1.x"}},
		"semver":         {[]string{"v3.7.18", "v3.7.18-rc1"}, []string{"3.7.18", "v3.7", "latest"}},
	} {
		judge := lookupFormat(name)
		if judge == nil {
			t.Errorf("format %s does not exist", name)
			continue
		}
		for _, s := range c.good {
			if rule, want := judge(s); rule != "" || want != "" {
				t.Errorf("%s refuses %q: %s", name, s, want)
			}
		}
		for _, s := range c.bad {
			if rule, want := judge(s); rule == "" || want == "" {
				t.Errorf("%s accepts %q", name, s)
			}
		}
	}
	if lookupFormat("nothing") != nil {
		t.Error("a format that does not exist accepts")
	}
}

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "10m": 10 * time.Minute, "3h": 3 * time.Hour, "180d": 180 * 24 * time.Hour, "1d12h": 36 * time.Hour, "1.5h": 90 * time.Minute, "0s": 0,
	} {
		if got, err := ParseDuration(s); err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", s, got, err, want)
		}
	}
}

// TestQuantities compares spellings of the same number.
func TestQuantities(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"1", "1000m", 0},
		{"1Gi", "1024Mi", 0},
		{"1Gi", "1G", 1},
		{"1e3", "1k", 0},
		{"1500m", "2", -1},
		{"0.5", "500m", 0},
		{"1u", "1n", 1},
		{"1Ti", "1024Gi", 0},
	} {
		a, okA := parseQuantity(c.a)
		b, okB := parseQuantity(c.b)
		if !okA || !okB || a.Cmp(b) != c.want {
			t.Errorf("%s against %s: %v %v, want %d", c.a, c.b, a, b, c.want)
		}
	}
}
