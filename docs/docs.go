// Package docs holds the documentation that the tool itself shows.
//
// It must never contain logic beyond finding a page, and imports nothing of
// this module.
package docs

import (
	"embed"
	"slices"
	"strings"
)

//go:embed rules/*.md
var files embed.FS

// index is the page that lists the others.
const index = "README"

// Rule returns the page of a rule.
func Rule(slug string) (string, bool) {
	if slug == index {
		return "", false
	}
	data, err := files.ReadFile("rules/" + slug + ".md")
	if err != nil {
		return "", false
	}
	return string(data), true
}

// Slugs returns the slugs of all rules that have a page, sorted.
func Slugs() []string {
	entries, err := files.ReadDir("rules")
	if err != nil { // the directory is embedded: it is there
		return nil
	}
	var slugs []string
	for _, e := range entries {
		if slug, is := strings.CutSuffix(e.Name(), ".md"); is && slug != index {
			slugs = append(slugs, slug)
		}
	}
	slices.Sort(slugs)
	return slugs
}
