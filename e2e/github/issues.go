package github

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

type comment struct {
	id               int64
	pull             int
	author, body     string
	created, updated time.Time
}

type label struct {
	id                       int64
	name, color, description string
}

// getIssue shows a pull request as the issue that it is.
func (c *call) getIssue() (*reply, error) {
	p, err := c.pull()
	if err != nil {
		return nil, err
	}
	return ok(c.issueJSON(p))
}

func (c *call) issueJSON(p *pull) object {
	out := c.pullJSON(p)
	for _, only := range []string{"head", "base", "merge_commit_sha", "requested_reviewers", "requested_teams", "merged_at", "commits_url", "statuses_url"} {
		delete(out, only)
	}
	n := strconv.Itoa(p.number)
	out["url"], out["comments"] = c.url("/issues/"+n), len(p.comments)
	out["pull_request"] = object{"url": c.url("/pulls/" + n), "html_url": c.html("/pull/" + n), "merged_at": p.merged}
	return out
}

func (c *call) commentJSON(m *comment) object {
	n := strconv.Itoa(m.pull)
	return object{
		"id": m.id, "body": m.body, "user": c.userJSON(m.author), "created_at": m.created, "updated_at": m.updated,
		"url": c.url("/issues/comments/" + strconv.FormatInt(m.id, 10)), "issue_url": c.url("/issues/" + n),
		"html_url": c.html("/pull/" + n + "#issuecomment-" + strconv.FormatInt(m.id, 10)), "author_association": "CONTRIBUTOR",
	}
}

func (c *call) listComments() (*reply, error) {
	p, err := c.pull()
	if err != nil {
		return nil, err
	}
	part, link := page(c, p.comments, 30)
	out := make([]object, len(part))
	for i, m := range part {
		out[i] = c.commentJSON(m)
	}
	return &reply{code: http.StatusOK, body: out, link: link}, nil
}

// text of a comment. One that is too long is refused whole.
func (c *call) text() (string, error) {
	var in struct{ Body string }
	if err := errors.Join(c.decode(&in), supplied("body", in.Body)); err != nil {
		return "", err
	}
	switch {
	case in.Body == "":
		return "", supplied("body", "")
	case strings.TrimSpace(in.Body) == "":
		return "", invalid("IssueComment", "data", "unprocessable", "Body cannot be blank")
	case utf8.RuneCountInString(in.Body) > maxBody:
		return "", invalid("IssueComment", "data", "unprocessable", "Body is too long (maximum is 65536 characters)")
	}
	return in.Body, nil
}

func (c *call) createComment() (*reply, error) {
	p, err := c.pull()
	if err != nil {
		return nil, err
	}
	body, err := c.text()
	if err != nil {
		return nil, err
	}
	return created(c.commentJSON(c.addComment(p, c.login, body)))
}

func (s *Server) addComment(p *pull, login, body string) *comment {
	now := s.tick()
	m := &comment{id: s.id(), pull: p.number, author: login, body: body, created: now, updated: now}
	p.comments, p.updated = append(p.comments, m), now
	return m
}

func (c *call) comment() (*pull, *comment, error) {
	for _, p := range c.pulls {
		for _, m := range p.comments {
			if strconv.FormatInt(m.id, 10) == c.vars["id"] {
				return p, m, nil
			}
		}
	}
	return nil, nil, notFound()
}

func (c *call) getComment() (*reply, error) {
	_, m, err := c.comment()
	if err != nil {
		return nil, err
	}
	return ok(c.commentJSON(m))
}

func (c *call) editComment() (*reply, error) {
	_, m, err := c.comment()
	if err != nil {
		return nil, err
	}
	body, err := c.text()
	if err != nil {
		return nil, err
	}
	m.body, m.updated = body, c.tick()
	return ok(c.commentJSON(m))
}

func (c *call) deleteComment() (*reply, error) {
	p, m, err := c.comment()
	if err != nil {
		return nil, err
	}
	p.comments = slices.DeleteFunc(p.comments, func(other *comment) bool { return other == m })
	return noContent()
}

func (c *call) labelJSON(l *label) object {
	return object{"id": l.id, "name": l.name, "color": l.color, "description": l.description, "default": false, "url": c.url("/labels/" + l.name)}
}

func (c *call) labelsReply(labels []*label) (*reply, error) {
	part, link := page(c, labels, 30)
	out := make([]object, len(part))
	for i, l := range part {
		out[i] = c.labelJSON(l)
	}
	return &reply{code: http.StatusOK, body: out, link: link}, nil
}

func (c *call) listLabels() (*reply, error) { return c.labelsReply(c.labels) }

// findLabel regardless of case, as GitHub compares labels.
func findLabel(labels []*label, name string) *label {
	for _, l := range labels {
		if strings.EqualFold(l.name, name) {
			return l
		}
	}
	return nil
}

func (c *call) getLabel() (*reply, error) {
	if l := findLabel(c.labels, c.vars["name"]); l != nil {
		return ok(c.labelJSON(l))
	}
	return nil, notFound()
}

func (c *call) createLabel() (*reply, error) {
	var in struct{ Name, Color, Description string }
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := supplied("name", in.Name); err != nil {
		return nil, err
	}
	if findLabel(c.labels, in.Name) != nil {
		return nil, invalid("Label", "name", "already_exists", "")
	}
	if strings.HasPrefix(in.Color, "#") {
		return nil, invalid("Label", "color", "invalid", "")
	}
	return created(c.labelJSON(c.newLabel(in.Name, in.Color, in.Description)))
}

func (s *Server) newLabel(name, color, description string) *label {
	if color == "" {
		color = "ededed"
	}
	l := &label{id: s.id(), name: name, color: color, description: description}
	s.labels = append(s.labels, l)
	return l
}

func (c *call) issueLabels() (*reply, error) {
	p, err := c.pull()
	if err != nil {
		return nil, err
	}
	return c.labelsReply(p.labels)
}

// labelNames takes a list, or an object that holds one: GitHub accepts both.
func (c *call) labelNames() ([]string, error) {
	var names []string
	if len(c.body) == 0 || json.Unmarshal(c.body, &names) == nil {
		return names, nil
	}
	var in struct{ Labels []string }
	return in.Labels, errors.Join(c.decode(&in), nil)
}

func (c *call) addLabels() (*reply, error) { return c.changeLabels(false) }

// setLabels replaces all labels; without a body it removes them.
func (c *call) setLabels() (*reply, error) {
	rep, err := c.changeLabels(true)
	if err == nil && c.r.Method == http.MethodDelete {
		return noContent()
	}
	return rep, err
}

// changeLabels puts labels on an issue and makes those that the repository does
// not have yet.
func (c *call) changeLabels(replace bool) (*reply, error) {
	p, err := c.pull()
	if err != nil {
		return nil, err
	}
	names, err := c.labelNames()
	if err != nil {
		return nil, err
	}
	if replace {
		p.labels = nil
	}
	for _, name := range names {
		l := findLabel(c.labels, name)
		if l == nil {
			l = c.newLabel(name, "", "")
		}
		if findLabel(p.labels, name) == nil {
			p.labels = append(p.labels, l)
		}
	}
	p.updated = c.tick()
	return c.labelsReply(p.labels)
}

func (c *call) removeLabel() (*reply, error) {
	p, err := c.pull()
	if err != nil {
		return nil, err
	}
	l := findLabel(p.labels, c.vars["name"])
	if l == nil {
		return nil, refuse(http.StatusNotFound, "Label does not exist")
	}
	p.labels = slices.DeleteFunc(slices.Clone(p.labels), func(other *label) bool { return other == l })
	p.updated = c.tick()
	return c.labelsReply(p.labels)
}

// addAssignees ignores who cannot be assigned
// (docs: rest/issues/assignees#add-assignees-to-an-issue).
func (c *call) addAssignees() (*reply, error) {
	p, err := c.pull()
	var in struct{ Assignees []string }
	if err := errors.Join(err, c.decode(&in)); err != nil {
		return nil, err
	}
	known := slices.DeleteFunc(in.Assignees, func(login string) bool { return !c.collaborator(login) })
	p.assignees, p.updated = union(p.assignees, known), c.tick()
	return created(c.issueJSON(p))
}

func (c *call) removeAssignees() (*reply, error) {
	p, err := c.pull()
	var in struct{ Assignees []string }
	if err := errors.Join(err, c.decode(&in)); err != nil {
		return nil, err
	}
	p.assignees, p.updated = without(p.assignees, in.Assignees), c.tick()
	return ok(c.issueJSON(p))
}

func union(have, more []string) []string {
	for _, name := range more {
		if !slices.Contains(have, name) {
			have = append(have, name)
		}
	}
	return have
}

func without(have, less []string) []string {
	return slices.DeleteFunc(slices.Clone(have), func(name string) bool { return slices.Contains(less, name) })
}
