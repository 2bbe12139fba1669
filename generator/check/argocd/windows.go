package argocd

import (
	"fmt"
	"slices"
	"time"

	"github.com/argoproj/argo-cd/v2/pkg/apis/application/v1alpha1"
	"github.com/robfig/cron/v3"

	"strake/generator/diag"
)

// span is a time in which a window is open.
type span struct{ from, to time.Time }

// spans are the times of a window in a year that is as good as any other: what
// is said of windows must not depend on the day of the check. A window that
// begins very often is looked at for less than the year.
func spans(w *v1alpha1.SyncWindow) []span {
	const most = 1000
	zone, err := time.LoadLocation(w.TimeZone)
	if err != nil {
		return nil // a finding already
	}
	schedule, err := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(w.Schedule)
	if err != nil {
		return nil
	}
	duration, err := time.ParseDuration(w.Duration)
	if err != nil {
		return nil
	}
	var out []span
	end := time.Date(2025, time.January, 1, 0, 0, 0, 0, zone)
	for at := schedule.Next(time.Date(2023, time.December, 31, 23, 59, 0, 0, zone)); at.Before(end) && !at.IsZero() && len(out) < most; at = schedule.Next(at) {
		out = append(out, span{at, at.Add(duration)})
	}
	return out
}

// meet reports whether two windows are about the same Applications, as far as
// equal words are the same.
func meet(a, b *v1alpha1.SyncWindow) bool {
	common := func(x, y []string) bool {
		return slices.Contains(x, "*") && len(y) > 0 || slices.Contains(y, "*") && len(x) > 0 || slices.ContainsFunc(x, func(s string) bool { return slices.Contains(y, s) })
	}
	return common(a.Applications, b.Applications) || common(a.Namespaces, b.Namespaces) || common(a.Clusters, b.Clusters)
}

// windows finds sync windows that get in each other's way.
func (r *run) windows(p *project) {
	at := keys(nil, "spec", "syncWindows")
	times := make([][]span, len(p.Spec.SyncWindows))
	for i, w := range p.Spec.SyncWindows {
		if w != nil {
			times[i] = spans(w)
		}
	}
	for i, a := range p.Spec.SyncWindows {
		for j, b := range p.Spec.SyncWindows {
			if i == j || len(times[i]) == 0 || len(times[j]) == 0 || !meet(a, b) {
				continue
			}
			switch {
			case a.Kind == b.Kind && i < j:
				if when, ok := overlap(times[i], times[j]); ok {
					f := find(p.o, "sync-window-overlap", diag.Warning, index(at, j), fmt.Sprintf("two %s windows of the project %s overlap, as on %s", a.Kind, p.o.Name, when.In(times[i][0].from.Location()).Format("Monday at 15:04 MST")),
						"Whoever moves one of them does not see that the other still holds. Write one window for both.")
					where, _ := p.o.Locate(index(at, i))
					f.Related = append(f.Related, diag.Related{Range: where, Message: "the other window"})
					r.add(f)
				}
			case a.Kind == "allow" && b.Kind == "deny" && covered(times[i], times[j]):
				f := find(p.o, "sync-window-overlap", diag.Warning, index(at, i), fmt.Sprintf("an allow window of the project %s never opens: a deny window covers it", p.o.Name),
					"Where both hold, syncs are denied; and where there is an allow window, nothing is synced outside of it. Move one of them.")
				where, _ := p.o.Locate(index(at, j))
				f.Related = append(f.Related, diag.Related{Range: where, Message: "the deny window"})
				r.add(f)
			}
		}
	}
}

// overlap finds the first time at which both are open.
func overlap(a, b []span) (time.Time, bool) {
	for i, j := 0, 0; i < len(a) && j < len(b); {
		from, to := a[i].from, a[i].to
		if b[j].from.After(from) {
			from = b[j].from
		}
		if b[j].to.Before(to) {
			to = b[j].to
		}
		if from.Before(to) {
			return from, true
		}
		if a[i].to.Before(b[j].to) {
			i++
		} else {
			j++
		}
	}
	return time.Time{}, false
}

// covered reports whether each time of one lies in a time of the other.
func covered(inner, outer []span) bool {
	last := outer[len(outer)-1].to
	j := 0
	for _, s := range inner {
		if s.from.After(last) {
			break // as far as the other was looked at
		}
		for j < len(outer) && outer[j].to.Before(s.to) {
			j++
		}
		if j == len(outer) || outer[j].from.After(s.from) {
			return false
		}
	}
	return true
}
