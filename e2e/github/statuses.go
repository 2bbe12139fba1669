package github

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// status is a commit status. The newest of a context counts.
type status struct {
	id                                    int64
	sha, state, context, description, url string
	creator                               string
	created                               time.Time
}

type checkRun struct {
	id                           int64
	sha, name, state, conclusion string
	externalID, details          string
	title, summary, text         string
	app                          string
	annotations                  int
	started                      time.Time
	completed                    *time.Time
}

// maxSummary of a check run, and maxAnnotations in one request
// (docs: rest/checks/runs).
const (
	maxSummary     = 65_535
	maxAnnotations = 50
)

// contextState is the state of a status or a check run of that name: success,
// pending, failure, error, or "" when there is none.
func (s *Server) contextState(sha, name string) string {
	for _, st := range reversed(s.statuses) {
		if st.sha == sha && st.context == name {
			return st.state
		}
	}
	for _, run := range reversed(s.checks) {
		if run.sha == sha && run.name == name {
			return run.verdict()
		}
	}
	return ""
}

// verdict of a check run: neutral and skipped pass
// (docs: pull-requests, "about status checks").
func (r *checkRun) verdict() string {
	switch {
	case r.state != "completed":
		return "pending"
	case slices.Contains([]string{"success", "neutral", "skipped"}, r.conclusion):
		return "success"
	}
	return "failure"
}

// unstable reports whether anything on a commit is not success.
func (s *Server) unstable(sha string) bool {
	for _, st := range s.latest(sha) {
		if st.state != "success" {
			return true
		}
	}
	return slices.ContainsFunc(s.checks, func(r *checkRun) bool { return r.sha == sha && r.verdict() != "success" })
}

// latest status of each context of a commit, the newest first.
func (s *Server) latest(sha string) []status {
	var list []status
	seen := make(map[string]bool)
	for _, st := range reversed(s.statuses) {
		if st.sha == sha && !seen[st.context] {
			seen[st.context] = true
			list = append(list, st)
		}
	}
	return list
}

func (c *call) statusJSON(st status) object {
	return object{
		"id": st.id, "state": st.state, "context": st.context, "description": st.description, "target_url": st.url,
		"creator": c.userJSON(st.creator), "created_at": st.created, "updated_at": st.created, "url": c.url("/statuses/" + st.sha),
	}
}

// createStatus (docs: rest/commits/statuses#create-a-commit-status).
func (c *call) createStatus() (*reply, error) {
	var in struct {
		State, Context, Description string
		TargetURL                   string `json:"target_url"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := supplied("state", in.State); err != nil {
		return nil, err
	}
	at, err := c.repo.commit(c.vars["sha"])
	if errors.Is(err, errMissing) {
		return nil, refuse(http.StatusUnprocessableEntity, "No commit found for SHA: %s", c.vars["sha"])
	}
	if err != nil {
		return nil, err
	}
	if !slices.Contains([]string{"error", "failure", "pending", "success"}, in.State) {
		return nil, invalid("Status", "state", "custom", "state is not included in the list")
	}
	if utf8.RuneCountInString(in.Description) > 140 {
		return nil, invalid("Status", "description", "custom", "description is too long (maximum is 140 characters)")
	}
	st := status{
		id: c.id(), sha: at.sha, state: in.State, context: cmp.Or(in.Context, "default"), description: in.Description,
		url: in.TargetURL, creator: c.login, created: c.tick(),
	}
	c.statuses = append(c.statuses, st)
	return created(c.statusJSON(st))
}

func (c *call) listStatuses() (*reply, error) {
	at, err := c.found(c.vars["ref"])
	if err != nil {
		return nil, err
	}
	list := []object{}
	for _, st := range reversed(c.statuses) {
		if st.sha == at.sha {
			list = append(list, c.statusJSON(st))
		}
	}
	part, link := page(c, list, 30)
	return &reply{code: http.StatusOK, body: part, link: link}, nil
}

// combinedStatus is failure when any context failed, pending when any is or
// there is none (docs: rest/commits/statuses#get-the-combined-status-for-a-specific-reference).
func (c *call) combinedStatus() (*reply, error) {
	at, err := c.found(c.vars["ref"])
	if err != nil {
		return nil, err
	}
	list := c.latest(at.sha)
	state := "success"
	if len(list) == 0 {
		state = "pending"
	}
	out := make([]object, len(list))
	for i, st := range list {
		out[i] = c.statusJSON(st)
		switch {
		case st.state == "failure" || st.state == "error":
			state = "failure"
		case st.state == "pending" && state != "failure":
			state = "pending"
		}
	}
	part, link := page(c, out, 30)
	body := object{"state": state, "sha": at.sha, "total_count": len(list), "statuses": part, "repository": c.repositoryJSON(), "commit_url": c.url("/commits/" + at.sha)}
	return &reply{code: http.StatusOK, body: body, link: link}, nil
}

type checkRequest struct {
	Name, Status, Conclusion *string
	HeadSHA                  *string    `json:"head_sha"`
	ExternalID               *string    `json:"external_id"`
	DetailsURL               *string    `json:"details_url"`
	StartedAt                *time.Time `json:"started_at"`
	CompletedAt              *time.Time `json:"completed_at"`
	Output                   *struct {
		Title, Summary, Text *string
		Annotations          []any
	}
}

// createCheckRun is for Apps only (EnricoMi/publish-unit-test-result-action#53).
func (c *call) createCheckRun() (*reply, error) {
	if c.token.Kind != App {
		return nil, refuse(http.StatusForbidden, "You must authenticate via a GitHub App.")
	}
	var in checkRequest
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.Name == nil || in.HeadSHA == nil {
		return nil, errors.Join(supplied("name", text(in.Name)), supplied("head_sha", text(in.HeadSHA)))
	}
	if _, err := c.repo.commit(*in.HeadSHA); errors.Is(err, errMissing) {
		return nil, refuse(http.StatusUnprocessableEntity, "No commit found for SHA: %s", *in.HeadSHA)
	} else if err != nil {
		return nil, err
	}
	run := &checkRun{sha: *in.HeadSHA, name: *in.Name, state: "queued", app: c.login, started: c.tick()}
	if err := c.change(run, in); err != nil {
		return nil, err
	}
	run.id = c.id()
	c.checks = append(c.checks, run)
	return created(c.checkJSON(run))
}

// change applies a request to a check run; a refused one changes nothing.
func (c *call) change(run *checkRun, in checkRequest) error {
	next := *run
	for _, field := range []struct {
		to   *string
		from *string
	}{{&next.name, in.Name}, {&next.state, in.Status}, {&next.conclusion, in.Conclusion}, {&next.externalID, in.ExternalID}, {&next.details, in.DetailsURL}} {
		if field.from != nil {
			*field.to = *field.from
		}
	}
	if in.Conclusion != nil {
		next.state = "completed"
	}
	if next.state == "completed" && next.conclusion == "" {
		return refuse(http.StatusUnprocessableEntity, "Invalid request.\n\n%q wasn't supplied.", "conclusion")
	}
	if !slices.Contains([]string{"queued", "in_progress", "completed", "waiting", "requested", "pending"}, next.state) ||
		!slices.Contains([]string{"", "success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required"}, next.conclusion) {
		return refuse(http.StatusUnprocessableEntity, "Invalid request.\n\nNo subschema in \"anyOf\" matched.")
	}
	if out := in.Output; out != nil {
		if out.Title == nil || out.Summary == nil {
			return refuse(http.StatusUnprocessableEntity, "Invalid request.\n\n\"title\", \"summary\" weren't supplied.")
		}
		if len(*out.Summary) > maxSummary || len(text(out.Text)) > maxSummary || len(out.Annotations) > maxAnnotations {
			return refuse(http.StatusUnprocessableEntity, "Invalid request.\n\nOnly %d characters and %d annotations are allowed.", maxSummary, maxAnnotations)
		}
		next.title, next.summary, next.text = *out.Title, *out.Summary, text(out.Text)
		next.annotations += len(out.Annotations)
	}
	if in.StartedAt != nil {
		next.started = in.StartedAt.UTC()
	}
	if in.CompletedAt != nil {
		at := in.CompletedAt.UTC()
		next.completed = &at
	}
	if next.state == "completed" && next.completed == nil {
		now := c.tick()
		next.completed = &now
	}
	*run = next
	return nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (c *call) checkRun() (*checkRun, error) {
	for _, run := range c.checks {
		if strconv.FormatInt(run.id, 10) == c.vars["id"] {
			return run, nil
		}
	}
	return nil, notFound()
}

func (c *call) getCheckRun() (*reply, error) {
	run, err := c.checkRun()
	if err != nil {
		return nil, err
	}
	return ok(c.checkJSON(run))
}

func (c *call) updateCheckRun() (*reply, error) {
	run, err := c.checkRun()
	if err != nil {
		return nil, err
	}
	if c.token.Kind != App || run.app != c.login {
		return nil, refuse(http.StatusForbidden, "Invalid app_id `%d` - check run can only be modified by the GitHub App that created it.", userID(c.login))
	}
	var in checkRequest
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := c.change(run, in); err != nil {
		return nil, err
	}
	return ok(c.checkJSON(run))
}

func (c *call) checkJSON(r *checkRun) object {
	id := strconv.FormatInt(r.id, 10)
	out := object{
		"id": r.id, "name": r.name, "head_sha": r.sha, "status": r.state, "conclusion": nil, "external_id": r.externalID,
		"details_url": r.details, "started_at": r.started, "completed_at": r.completed, "app": object{"slug": r.app, "id": userID(r.app)},
		"url": c.url("/check-runs/" + id), "html_url": c.html("/runs/" + id), "pull_requests": []object{},
		"output": object{"title": r.title, "summary": r.summary, "text": r.text, "annotations_count": r.annotations},
	}
	if r.conclusion != "" {
		out["conclusion"] = r.conclusion
	}
	return out
}

// listCheckRuns shows the newest of each name unless all are asked for.
func (c *call) listCheckRuns() (*reply, error) {
	at, err := c.repo.resolve(c.vars["ref"])
	if errors.Is(err, errMissing) {
		return nil, refuse(http.StatusUnprocessableEntity, "No commit found for SHA: %s", c.vars["ref"])
	}
	if err != nil {
		return nil, err
	}
	q := c.r.URL.Query()
	list := []object{}
	seen := make(map[string]bool)
	for _, run := range reversed(c.checks) {
		switch {
		case run.sha != at.sha,
			q.Get("check_name") != "" && q.Get("check_name") != run.name,
			q.Get("status") != "" && q.Get("status") != run.state,
			q.Get("filter") != "all" && seen[run.name]:
		default:
			seen[run.name] = true
			list = append(list, c.checkJSON(run))
		}
	}
	part, link := page(c, list, 30)
	return &reply{code: http.StatusOK, body: object{"total_count": len(list), "check_runs": part}, link: link}, nil
}
