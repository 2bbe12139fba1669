package terraform

import (
	"bytes"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

const (
	// maxNesting and maxOperators bound how deep HCL's parser, which calls itself
	// for each bracket and operator, can go into one expression.
	maxNesting   = 200
	maxOperators = 2000
	// maxDigits and maxExponent, in digits too, bound a number: it is written
	// out when it becomes text.
	maxDigits   = 100
	maxExponent = 3
)

// tooDeep looks at the tokens of a file before the parser does. The parser is
// recursive, and Go ends a program whose stack is full: no file may bring it
// there.
func tooDeep(src *source) (hcl.Range, string) {
	tokens, _ := hclsyntax.LexConfig(src.data, src.path, hcl.InitialPos)
	return nesting(tokens)
}

func nesting(tokens hclsyntax.Tokens) (hcl.Range, string) {
	// open has the operators before each bracket that is open, and count those
	// since the last comma or line in the innermost one.
	type level struct {
		operators int
		lines     bool // a new line ends an expression here
	}
	open := []level{{lines: true}}
	count, sum := 0, 0
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen,
			hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
			if t.Type != hclsyntax.TokenOBrace {
				count++
			}
			open = append(open, level{operators: count, lines: t.Type == hclsyntax.TokenOBrace})
			sum += count
			count = 0
			if len(open) > maxNesting {
				return t.Range, fmt.Sprintf("brackets are nested more than %d deep", maxNesting)
			}
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen,
			hclsyntax.TokenTemplateSeqEnd, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
			if len(open) > 1 {
				last := open[len(open)-1]
				open = open[:len(open)-1]
				count = last.operators
				sum -= last.operators
			}
		case hclsyntax.TokenComma:
			count = 0
		case hclsyntax.TokenNewline:
			if open[len(open)-1].lines {
				count = 0
			}
		case hclsyntax.TokenIdent, hclsyntax.TokenStringLit, hclsyntax.TokenQuotedLit, hclsyntax.TokenComment, hclsyntax.TokenEOF:
		case hclsyntax.TokenNumberLit:
			at := bytes.IndexAny(t.Bytes, "eE")
			if len(t.Bytes) > maxDigits || at >= 0 && len(bytes.TrimLeft(t.Bytes[at+1:], "+-0")) > maxExponent {
				return t.Range, "the number is too large"
			}
		default:
			count++
		}
		if sum+count > maxOperators {
			return t.Range, fmt.Sprintf("an expression has more than %d operators", maxOperators)
		}
	}
	return hcl.Range{}, ""
}
