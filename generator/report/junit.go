package report

import (
	"bytes"
	"encoding/xml"
	"strings"

	"strake/generator/diag"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name      string        `xml:"name,attr"`
	ClassName string        `xml:"classname,attr"`
	File      string        `xml:"file,attr,omitempty"`
	Line      int           `xml:"line,attr,omitempty"`
	Failure   *junitProblem `xml:"failure"`
	Error     *junitProblem `xml:"error"`
	Output    string        `xml:"system-out,omitempty"`
}

type junitProblem struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes one suite for what was covered and one for each file with
// findings. A finding below FailOn is a test that passed and has something to
// say, so that the report and the exit code agree.
func writeJUnit(out *bytes.Buffer, findings diag.List, o Options) error {
	failOn := o.FailOn
	if failOn == 0 {
		failOn = diag.Error
	}
	all := junitSuites{Name: "strake"}
	covered := junitCase{Name: "objects checked", ClassName: "strake", Output: Verdict(findings, o.Coverage)}
	if o.Coverage != nil && o.Coverage.Empty() {
		covered.Error = &junitProblem{Type: "coverage", Message: "0 objects checked", Text: covered.Output}
		covered.Output = ""
	}
	all.add("strake", covered)
	for _, d := range findings {
		name := strings.TrimSpace(d.Summary + " " + bracketed(about(d)))
		c := junitCase{Name: diag.Printable(name), ClassName: diag.Printable(d.Rule), File: diag.Printable(d.Range.Path), Line: d.Range.Start.Line}
		text := junitText(d, o)
		if d.Severity >= failOn {
			c.Failure = &junitProblem{Type: d.Severity.String(), Message: diag.Printable(d.Summary), Text: text}
		} else {
			c.Output = text
		}
		suite := diag.Printable(d.Range.Path)
		if suite == "" {
			suite = "repository"
		}
		all.add(suite, c)
	}
	out.WriteString(xml.Header)
	enc := xml.NewEncoder(out)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	out.WriteByte('\n')
	return nil
}

// add puts a case into the suite of that name, which is the last one or new:
// the findings come sorted by path.
func (all *junitSuites) add(name string, c junitCase) {
	if n := len(all.Suites); n == 0 || all.Suites[n-1].Name != name {
		all.Suites = append(all.Suites, junitSuite{Name: name})
	}
	suite := &all.Suites[len(all.Suites)-1]
	suite.Cases = append(suite.Cases, c)
	suite.Tests++
	all.Tests++
	if c.Failure != nil {
		suite.Failures++
		all.Failures++
	}
	if c.Error != nil {
		suite.Errors++
		all.Errors++
	}
}

// junitText is the finding as the terminal shows it, without colour.
func junitText(d diag.Diagnostic, o Options) string {
	var out bytes.Buffer
	o.Color = false
	writeTextFinding(&out, d, o)
	return out.String()
}

func bracketed(s string) string {
	if s == "" {
		return ""
	}
	return "(" + s + ")"
}
