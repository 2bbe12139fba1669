package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"strake/generator/diag"
	"strake/generator/manifest"
)

// Proposal is what the text of one environment's pull request is made from.
type Proposal struct {
	Environment string
	// Branch is the pull request's head, Into the branch that it goes to, and
	// Base the revision that it was compared with.
	Branch, Into, Base string
	Repository         string // URL
	Title              string
	Digest             string
	Version            string // of the tool
	Changes            []manifest.Change
	Findings           diag.List
	// Files is how many files it writes or deletes; Paths names them.
	Files int
	Paths []FileChange
	// Coverage and Sources are those of Options, for the findings.
	Coverage *Coverage
	Sources  func(path string) ([]byte, bool)
}

// FileChange is one file that a pull request writes or deletes.
type FileChange struct {
	Path string
	// Existed tells a file that is changed from one that is new.
	Existed, Delete bool
}

// EndMarker closes the part of a pull request's text that the tool owns. What a
// person writes below it is kept.
const EndMarker = "<!-- /strake -->"

// startMarker opens the tool's part. It names the proposal, so that the same
// one can be told from another.
func startMarker(p Proposal) string {
	return fmt.Sprintf("<!-- strake env=%s digest=%s -->", markerValue(p.Environment), markerValue(p.Digest))
}

// markerValue keeps what a name or a digest consists of: nothing else can end
// the comment.
func markerValue(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' {
			return r
		}
		return '-'
	}, s)
}

// findingsShare is how much of a body findings may take before the diff.
const findingsShare = 20_000

// Body is the text of a pull request, at most DefaultLimit bytes, between its
// two markers: verdict, counts, findings, what changes, and how to see the same
// at home. It ends with EndMarker and no line break, so that putting it in the
// place of an earlier one changes nothing below.
func Body(p Proposal) string {
	o := Options{Coverage: p.Coverage, Sources: p.Sources}
	findings := p.Findings.Sorted()
	counts := Count(p.Changes)
	var b strings.Builder
	b.WriteString(startMarker(p) + "\n")
	fmt.Fprintf(&b, "**%s: %s; %s.**\n\n", inline(p.Environment), counts, inline(Verdict(findings, p.Coverage)))
	b.WriteString("| environment | removed | added | changed | findings |\n|---|---:|---:|---:|---|\n")
	fmt.Fprintf(&b, "| %s | %d | %d | %d | %s |\n\n", inline(p.Environment), counts.Removed, counts.Added, counts.Changed,
		severities(findings.Count(diag.Error), findings.Count(diag.Warning), findings.Count(diag.Info)))
	if len(findings) > 0 {
		b.WriteString("### Findings\n\n" + findingsSection(findings, o, findingsShare) + "\n")
	}
	end := ending(p)
	b.WriteString("### Changes\n\n")
	if len(p.Changes) == 0 {
		b.WriteString("No object changes: only files that the cluster does not see.\n\n")
	} else {
		changes := make([]manifest.Folded, len(p.Changes))
		for i, c := range p.Changes {
			changes[i] = manifest.Folded{Change: c} // one environment: no need to name it each time
		}
		b.WriteString(diffSection(changes, DefaultLimit-b.Len()-len(end)) + "\n")
	}
	b.WriteString(end)
	return b.String()
}

// ending says how to see the same at home, where the text is from, and how to
// make it stop.
func ending(p Proposal) string {
	var commands []string
	if p.Branch != "" {
		commands = append(commands, "git fetch origin "+fenced(p.Branch), "git switch "+fenced(p.Branch))
	}
	diff := "strake diff"
	if p.Base != "" {
		diff += " --base " + fenced(p.Base)
	}
	commands = append(commands, "strake check", diff)
	version := ""
	if p.Version != "" {
		version = " " + inline(p.Version)
	}
	base := ""
	if p.Base != "" {
		base = ", compared with " + code(p.Base)
	}
	return "### Reproduce\n\n" + fence("sh", commands) + "\n" +
		fmt.Sprintf("Made by Strake%s from the spec: %s%s. Close this pull request to decline it: the same proposal is not opened again. ", version, plural(p.Files, "file"), base) +
		"A commit of your own on this branch stops updates. Text below this line is kept.\n" + EndMarker
}

// maxPaths is how many files a plan names of one pull request.
const maxPaths = 12

// Plan writes what propose would do, one pull request after the other.
func Plan(w io.Writer, proposals []Proposal) error {
	var out bytes.Buffer
	open := 0
	for _, p := range proposals {
		if p.Files == 0 && len(p.Paths) == 0 {
			fmt.Fprintf(&out, "%s: nothing to propose\n\n", terminal(p.Environment))
			continue
		}
		open++
		writePlan(&out, p)
	}
	fmt.Fprintf(&out, "%s to open or update, %s up to date; nothing was written\n",
		plural(open, "pull request"), plural(len(proposals)-open, "environment"))
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	return nil
}

func writePlan(out *bytes.Buffer, p Proposal) {
	fmt.Fprintf(out, "%s: %s", terminal(p.Environment), terminal(p.Branch))
	if p.Into != "" {
		fmt.Fprintf(out, " → %s", terminal(p.Into))
	}
	if p.Repository != "" {
		fmt.Fprintf(out, " of %s", terminal(p.Repository))
	}
	out.WriteByte('\n')
	note := func(label, text string) {
		if text != "" {
			fmt.Fprintf(out, "  %-9s %s\n", label, terminal(text))
		}
	}
	note("title", p.Title)
	note("objects", Count(p.Changes).String())
	note("findings", Verdict(p.Findings.Sorted(), p.Coverage))
	files := plural(max(p.Files, len(p.Paths)), "file")
	if p.Base != "" {
		files += ", compared with " + p.Base
	}
	note("files", files)
	for i, f := range p.Paths {
		if i == maxPaths {
			fmt.Fprintf(out, "    and %s\n", plural(len(p.Paths)-maxPaths, "more file"))
			break
		}
		sign := markNew
		switch {
		case f.Delete:
			sign = markGone
		case f.Existed:
			sign = markOther
		}
		fmt.Fprintf(out, "    %c %s\n", sign, terminal(f.Path))
	}
	out.WriteByte('\n')
}
