package github

import (
	"fmt"
	"slices"
	"time"
)

// Push commits files to a branch as a person would who may do everything, and
// returns the commit. Files that are named as deleted go. A branch that does
// not exist starts from the default branch.
func (s *Server) Push(branch, author string, files map[string]string, deleted ...string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sha, err := s.push(branch, author, files, deleted)
	if err != nil {
		return "", fmt.Errorf("push to %s: %w", branch, err)
	}
	return sha, s.settle()
}

func (s *Server) push(branch, author string, files map[string]string, deleted []string) (string, error) {
	refs, err := s.repo.refs()
	if err != nil {
		return "", err
	}
	return s.commitTo("refs/heads/"+branch, refs["refs/heads/"+branch], refs["refs/heads/"+s.config.Branch], author, files, deleted)
}

// commitTo makes a commit and moves a ref to it.
func (s *Server) commitTo(ref, at, start, author string, files map[string]string, deleted []string) (string, error) {
	old, from := at, at
	if old == "" {
		old, from = noObject, start
	}
	tree := map[string]entry{}
	var parents []string
	if from != "" {
		parent, err := s.repo.commit(from)
		if err != nil {
			return "", err
		}
		if tree, err = s.repo.flat(parent.tree); err != nil {
			return "", err
		}
		parents = []string{from}
	}
	for _, path := range deleted {
		if !remove(tree, path) {
			return "", fmt.Errorf("delete %s: no such file", path)
		}
	}
	for path, text := range files {
		name, err := s.repo.writeBlob([]byte(text))
		if err != nil {
			return "", err
		}
		put(tree, entry{path: path, mode: "100644", kind: "blob", sha: name})
	}
	root, err := s.repo.writeTree(tree)
	if err != nil {
		return "", err
	}
	who := identity(author, s.tick())
	sha, err := s.repo.writeCommit(commit{tree: root, parents: parents, author: who, committer: who, message: "Change by " + author + "\n"})
	if err != nil {
		return "", err
	}
	return sha, s.repo.setRef(ref, old, sha)
}

// OpenFromFork opens a pull request from another owner's fork and returns its
// number.
func (s *Server) OpenFromFork(owner, branch, base, title string, files map[string]string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	refs, err := s.repo.refs()
	if err != nil {
		return 0, err
	}
	ref := s.headRef(owner, branch)
	if _, err := s.commitTo(ref, refs[ref], refs["refs/heads/"+base], owner, files, nil); err != nil {
		return 0, fmt.Errorf("push to the fork: %w", err)
	}
	p, err := s.openPull(newPull{Title: title, Head: owner + ":" + branch, Base: base}, owner)
	if err != nil {
		return 0, fmt.Errorf("open a pull request: %w", err)
	}
	return p.number, nil
}

// Merge merges a pull request as its owner does with the green button, under
// the rules that hold for everybody.
func (s *Server) Merge(number int) error {
	return s.with(number, func(p *pull) error {
		_, err := s.merge(p, mergeRequest{}, s.config.Owner)
		return err
	})
}

// UpdateBranch merges base into the head as the button of that name does.
func (s *Server) UpdateBranch(number int) error {
	return s.with(number, func(p *pull) error { return s.updateHead(p, s.config.Owner) })
}

// ClosePull closes a pull request without a merge.
func (s *Server) ClosePull(number int) error {
	return s.with(number, func(p *pull) error {
		if p.open {
			s.close(p)
		}
		return nil
	})
}

// EditPull changes the text of a pull request as a person does in the browser.
func (s *Server) EditPull(number int, edit func(title, body string) (string, string)) error {
	return s.with(number, func(p *pull) error {
		p.title, p.body = edit(p.title, p.body)
		p.updated = s.tick()
		return nil
	})
}

// Comment adds a comment as a person.
func (s *Server) Comment(number int, author, body string) error {
	return s.with(number, func(p *pull) error {
		s.addComment(p, author, body)
		return nil
	})
}

// SetStatus gives a commit a status, as a CI system would.
func (s *Server) SetStatus(sha, context, state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.statuses = append(s.statuses, status{id: s.id(), sha: sha, context: context, state: state, creator: "ci[bot]", created: s.tick()})
}

func (s *Server) with(number int, do func(*pull) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.settle(); err != nil {
		return err
	}
	if number < 1 || number > len(s.pulls) {
		return fmt.Errorf("pull request #%d: there is none", number)
	}
	if err := do(s.pulls[number-1]); err != nil {
		return fmt.Errorf("pull request #%d: %w", number, err)
	}
	return s.settle()
}

// DeleteBranch removes a branch.
func (s *Server) DeleteBranch(branch string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	refs, err := s.repo.refs()
	if err != nil {
		return err
	}
	old, exists := refs["refs/heads/"+branch]
	if !exists {
		return fmt.Errorf("delete branch %s: there is none", branch)
	}
	if err := s.repo.setRef("refs/heads/"+branch, old, noObject); err != nil {
		return err
	}
	return s.settle()
}

// Pull is a pull request as a test looks at it.
type Pull struct {
	Number              int
	Title, Body, Author string
	Open, Draft, Merged bool
	Owner, Head, Base   string
	HeadSHA, MergeSHA   string
	Labels, Comments    []string
	MergedAt            time.Time
}

// Pulls returns all pull requests by number.
func (s *Server) Pulls() ([]Pull, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.settle(); err != nil {
		return nil, err
	}
	out := make([]Pull, len(s.pulls))
	for i, p := range s.pulls {
		out[i] = Pull{
			Number: p.number, Title: p.title, Body: p.body, Author: p.author, Open: p.open, Draft: p.draft, Merged: p.merged != nil,
			Owner: p.owner, Head: p.branch, Base: p.base, HeadSHA: p.headSHA, MergeSHA: p.mergeSHA,
		}
		if p.merged != nil {
			out[i].MergedAt = *p.merged
		}
		for _, l := range p.labels {
			out[i].Labels = append(out[i].Labels, l.name)
		}
		for _, m := range p.comments {
			out[i].Comments = append(out[i].Comments, m.body)
		}
	}
	return out, nil
}

// Head is the commit that a branch points at, "" without the branch.
func (s *Server) Head(branch string) (string, error) {
	refs, err := s.repo.refs()
	return refs["refs/heads/"+branch], err
}

// Parents of a commit.
func (s *Server) Parents(sha string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.repo.commit(sha)
	if err != nil {
		return nil, fmt.Errorf("read commit %s: %w", sha, err)
	}
	return slices.Clone(c.parents), nil
}

// Contains reports whether a commit is in the history of a branch.
func (s *Server) Contains(branch, sha string) (bool, error) {
	head, err := s.Head(branch)
	if err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.repo.contains(head, sha)
}

// Files is what a branch, or a commit, holds.
func (s *Server) Files(branch string) (map[string]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, err := s.repo.resolve(branch)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", branch, err)
	}
	files, err := s.repo.flat(at.tree)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", branch, err)
	}
	out := make(map[string]string, len(files))
	for path, e := range files {
		data, err := s.repo.blob(e.sha)
		if err != nil {
			return nil, fmt.Errorf("read %s of %s: %w", path, branch, err)
		}
		out[path] = string(data)
	}
	return out, nil
}

// Truncate sets how many entries a recursive tree lists.
func (s *Server) Truncate(entries int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.truncate = entries
}
