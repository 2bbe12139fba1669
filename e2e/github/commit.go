package github

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// person is an author or a committer.
type person struct {
	Name  string    `json:"name"`
	Email string    `json:"email"`
	Date  time.Time `json:"date"`
}

func (p person) String() string {
	clean := strings.NewReplacer("<", "", ">", "", "\n", " ")
	return fmt.Sprintf("%s <%s> %d +0000", clean.Replace(p.Name), clean.Replace(p.Email), p.Date.Unix())
}

var personLine = regexp.MustCompile(`^(.*) <(.*)> (\d+) [+-]\d{4}$`)

func parsePerson(line string) person {
	m := personLine.FindStringSubmatch(line)
	if m == nil {
		return person{Name: line}
	}
	seconds, _ := strconv.ParseInt(m[3], 10, 64) // digits, by the expression
	return person{Name: m[1], Email: m[2], Date: time.Unix(seconds, 0).UTC()}
}

type commit struct {
	sha, tree, message string
	parents            []string
	author, committer  person
}

// commit reads a commit by its full name.
func (r *repo) commit(sha string) (*commit, error) {
	if c, ok := r.commits[sha]; ok {
		return c, nil
	}
	if !objectName.MatchString(sha) {
		return nil, errMissing
	}
	kind, data, err := r.object(sha)
	if err == nil && kind != "commit" {
		err = errMissing
	}
	if err != nil {
		return nil, err
	}
	head, message, _ := strings.Cut(string(data), "\n\n")
	c := &commit{sha: sha, message: message}
	for line := range strings.Lines(head) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch key {
		case "tree":
			c.tree = value
		case "parent":
			c.parents = append(c.parents, value)
		case "author":
			c.author = parsePerson(value)
		case "committer":
			c.committer = parsePerson(value)
		}
	}
	r.commits[sha] = c
	return c, nil
}

// history is a commit and all it comes from.
func (r *repo) history(sha string) (map[string]bool, error) {
	seen := make(map[string]bool)
	for todo := []string{sha}; len(todo) > 0; {
		next := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[next] {
			continue
		}
		seen[next] = true
		c, err := r.commit(next)
		if err != nil {
			return nil, fmt.Errorf("read commit %s: %w", next, err)
		}
		todo = append(todo, c.parents...)
	}
	return seen, nil
}

// contains reports whether old is in the history of sha.
func (r *repo) contains(sha, old string) (bool, error) {
	seen, err := r.history(sha)
	return seen[old], err
}

// distance is how far two commits are apart.
type distance struct {
	from   string // the best common ancestor, "" without one
	ahead  []*commit
	behind int
}

// between lists the commits of head that base has not, the oldest first, counts
// those of base that head has not, and finds where they parted.
func (r *repo) between(base, head string) (distance, error) {
	key := [2]string{base, head}
	if d, ok := r.apart[key]; ok {
		return d, nil
	}
	var d distance
	out, err := r.git(nil, "merge-base", base, head)
	if exit, ok := errors.AsType[*exited](err); err != nil && (!ok || exit.code != 1) {
		return d, err
	}
	d.from = strings.TrimSpace(out)
	if out, err = r.git(nil, "rev-list", "--left-right", "--topo-order", "--reverse", base+"..."+head); err != nil {
		return d, err
	}
	for name := range strings.FieldsSeq(out) {
		if strings.HasPrefix(name, "<") {
			d.behind++
			continue
		}
		c, err := r.commit(strings.TrimPrefix(name, ">"))
		if err != nil {
			return d, err
		}
		d.ahead = append(d.ahead, c)
	}
	r.apart[key] = d
	return d, nil
}

// merged is what a merge of two commits comes to.
type merged struct {
	tree  string
	clean bool
}

// merge joins two commits into a tree without moving anything.
func (r *repo) merge(base, head string) (merged, error) {
	key := [2]string{base, head}
	if m, ok := r.merges[key]; ok {
		return m, nil
	}
	out, err := r.git(nil, "merge-tree", "--write-tree", "--no-messages", base, head)
	var exit *exited
	if err != nil && (!errors.As(err, &exit) || exit.code != 1) {
		return merged{}, err
	}
	tree, _, _ := strings.Cut(out, "\n")
	m := merged{tree: tree, clean: err == nil}
	r.merges[key] = m
	return m, nil
}

// pick applies what a commit changed on top of another one, as a rebase does:
// both sides are given the commit's parent as their only ancestor.
func (r *repo) pick(c *commit, onto string) (merged, error) {
	target, err := r.commit(onto)
	if err != nil {
		return merged{}, err
	}
	parent, err := r.commit(c.parents[0])
	if err != nil {
		return merged{}, err
	}
	nobody := person{Name: "nobody", Email: "nobody@localhost", Date: time.Unix(0, 0)}
	root, err := r.writeCommit(commit{tree: parent.tree, author: nobody, committer: nobody})
	if err != nil {
		return merged{}, err
	}
	var sides [2]string
	for i, tree := range []string{target.tree, c.tree} {
		side := commit{tree: tree, parents: []string{root}, author: nobody, committer: nobody, message: strconv.Itoa(i)}
		if sides[i], err = r.writeCommit(side); err != nil {
			return merged{}, err
		}
	}
	return r.merge(sides[0], sides[1])
}

// resolve finds the commit that a branch, a tag, a full ref or a name of a
// commit stands for.
func (r *repo) resolve(name string) (*commit, error) {
	refs, err := r.refs()
	if err != nil {
		return nil, err
	}
	for _, ref := range []string{"refs/heads/" + name, "refs/tags/" + name, "refs/" + name, name} {
		if sha, ok := refs[ref]; ok {
			return r.commit(sha)
		}
	}
	return r.commit(name)
}

// bot reports whether a login is an App's.
func bot(login string) bool { return strings.HasSuffix(login, "[bot]") }

// identity is how GitHub writes a user into a commit
// (docs: account-and-profile, commit email addresses).
func identity(login string, at time.Time) person {
	return person{Name: login, Email: strconv.FormatInt(userID(login), 10) + "+" + login + "@users.noreply.github.com", Date: at}
}

// webFlow is who commits what is made on GitHub itself.
func webFlow(at time.Time) person {
	return person{Name: "GitHub", Email: "noreply@github.com", Date: at}
}

// userID makes a number of a login.
func userID(login string) int64 {
	var id int64 = 1
	for _, b := range []byte(strings.ToLower(login)) {
		id = (id*31 + int64(b)) % 99_999_989
	}
	return id
}

func reversed[T any](list []T) []T {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}
