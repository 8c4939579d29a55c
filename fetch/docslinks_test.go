package fetch_test

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/doc"
	"go/doc/comment"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// A doc link whose name is wrong, or whose package is not imported, is shown with its
// brackets and leads nowhere.
func TestDocLinksLeadSomewhere(t *testing.T) {
	known := map[string]symbols{}
	all := documentation(t)
	for _, pkg := range all {
		known[pkg.ImportPath] = symbolsOf(pkg.Package)
	}
	links := 0
	for _, pkg := range all {
		imports := pkg.importsByName()
		for _, text := range pkg.comments() {
			for _, link := range linksIn(text) {
				links++
				if err := resolve(link, pkg, imports, known); err != nil {
					t.Errorf("%s: %v", pkg.ImportPath, err)
				}
			}
		}
	}
	if links < 400 {
		t.Errorf("found %d links only", links)
	}
}

// symbols are the names that a package exports, those of methods and fields behind
// that of their type and a dot, and whether its own comments can link to them, as to
// fields they cannot (go/doc).
type symbols map[string]bool

func symbolsOf(pkg *doc.Package) symbols {
	all := symbols{}
	values := func(groups []*doc.Value) {
		for _, group := range groups {
			for _, name := range group.Names {
				all[name] = true
			}
		}
	}
	values(pkg.Consts)
	values(pkg.Vars)
	for _, fn := range pkg.Funcs {
		all[fn.Name] = true
	}
	for _, typ := range pkg.Types {
		all[typ.Name] = true
		values(typ.Consts)
		values(typ.Vars)
		for _, fn := range slices.Concat(typ.Funcs, typ.Methods) {
			all[qualified(fn)] = true
		}
		for _, spec := range typ.Decl.Specs {
			_, methods := spec.(*ast.TypeSpec).Type.(*ast.InterfaceType)
			for _, member := range membersOf(spec.(*ast.TypeSpec)) {
				for _, name := range member.Names {
					all[typ.Name+"."+name.Name] = methods
				}
			}
		}
	}
	return all
}

// resolve reports where a link leads that leads nowhere.
func resolve(link *comment.DocLink, in documented, imports map[string]string, known map[string]symbols) error {
	name := link.Name
	if link.Recv != "" {
		name = link.Recv + "." + name
	}
	where := in.ImportPath
	if link.ImportPath != "" {
		where = link.ImportPath
		if full, ok := imports[where]; ok {
			where = full
		} else if !strings.Contains(where, "/") {
			return fmt.Errorf("[%s.%s]: no file imports %s", where, name, where)
		}
	}
	all, ok := known[where]
	if !ok {
		all = symbolsOfStandard(where)
		known[where] = all
	}
	linkable, exists := all[name]
	if all == nil || name == "" || linkable || exists && where != in.ImportPath {
		return nil
	}
	if exists {
		return fmt.Errorf("[%s]: a field of this package cannot be linked to", name)
	}
	return fmt.Errorf("[%s]: %s has no such name", name, where)
}

// symbolsOfStandard returns what a package of the standard library exports. Of the
// packages of others, which may not be at hand, it returns nil.
func symbolsOfStandard(importPath string) symbols {
	if first, _, _ := strings.Cut(importPath, "/"); strings.Contains(first, ".") {
		return nil
	}
	found, err := build.Import(importPath, "", build.FindOnly)
	if err != nil {
		return symbols{}
	}
	pkg, err := readDocumentation(found.Dir)
	if err != nil || pkg.Package == nil {
		return symbols{}
	}
	return symbolsOf(pkg.Package)
}

// importsByName returns the paths of the packages that are imported, by the name that
// their path ends in.
func (p documented) importsByName() map[string]string {
	all := map[string]string{}
	for _, importPath := range p.Imports {
		name := path.Base(importPath)
		if _, err := strconv.Atoi(strings.TrimPrefix(name, "v")); err == nil {
			name = path.Base(path.Dir(importPath)) // a major version
		}
		all[name] = importPath
	}
	return all
}

// comments returns the text of every comment that documents something, those of
// fields included.
func (p documented) comments() []string {
	all := []string{p.Doc}
	functions := func(fns []*doc.Func) {
		for _, fn := range fns {
			all = append(all, fn.Doc)
		}
	}
	declared := func(doc string, decl ast.Node) {
		all = append(all, doc)
		ast.Inspect(decl, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Field:
				all = append(all, n.Doc.Text(), n.Comment.Text())
			case *ast.ValueSpec:
				all = append(all, n.Doc.Text(), n.Comment.Text())
			}
			return true
		})
	}
	functions(p.Funcs)
	groups := slices.Concat(p.Consts, p.Vars)
	for _, typ := range p.Types {
		declared(typ.Doc, typ.Decl)
		functions(typ.Funcs)
		functions(typ.Methods)
		groups = slices.Concat(groups, typ.Consts, typ.Vars)
	}
	for _, group := range groups {
		declared(group.Doc, group.Decl)
	}
	return all
}

// linksIn returns the doc links of a comment, whatever they lead to.
func linksIn(text string) []*comment.DocLink {
	believing := &comment.Parser{
		LookupPackage: func(name string) (string, bool) { return name, true },
		LookupSym:     func(recv, name string) bool { return true },
	}
	var links []*comment.DocLink
	var inText func([]comment.Text)
	inText = func(all []comment.Text) {
		for _, one := range all {
			switch one := one.(type) {
			case *comment.DocLink:
				links = append(links, one)
			case *comment.Link:
				inText(one.Text)
			}
		}
	}
	var inBlocks func([]comment.Block)
	inBlocks = func(blocks []comment.Block) {
		for _, block := range blocks {
			switch block := block.(type) {
			case *comment.Paragraph:
				inText(block.Text)
			case *comment.Heading:
				inText(block.Text)
			case *comment.List:
				for _, item := range block.Items {
					inBlocks(item.Content)
				}
			}
		}
	}
	inBlocks(believing.Parse(text).Content)
	return links
}

// What is preformatted is not wrapped, and go doc sets it off by four columns.
func TestPreformattedTextFitsATerminal(t *testing.T) {
	for _, pkg := range documentation(t) {
		if pkg.Name == "prommetrics" {
			continue // whose tables have a line for each metric and label
		}
		for _, text := range pkg.comments() {
			for _, block := range new(comment.Parser).Parse(text).Content {
				code, ok := block.(*comment.Code)
				if !ok {
					continue
				}
				for line := range strings.Lines(code.Text) {
					if columns := utf8.RuneCountInString(strings.ReplaceAll(line, "\t", "    ")) - 1; columns > 76 {
						t.Errorf("%s: %d columns: %s", pkg.ImportPath, columns, line)
					}
				}
			}
		}
	}
}
