package fetch_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A documented is a package as its users read about it.
type documented struct {
	*doc.Package
	fset *token.FileSet
}

// documentation returns the library's packages, and those of the modules that are
// part of it: all that a program can import.
func documentation(t *testing.T) []documented {
	t.Helper()
	var all []documented
	for _, home := range []string{"upstream", "cache", "breaker", "verify", "fetch"} {
		err := filepath.WalkDir(filepath.Join("..", home), func(dir string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return err
			}
			if d.Name() == "internal" || d.Name() == "testdata" {
				return fs.SkipDir
			}
			pkg, err := readDocumentation(dir)
			if pkg.Package != nil {
				all = append(all, pkg)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// readDocumentation reads the package in dir for this operating system, with the
// examples in its tests. Without Go files there is none.
func readDocumentation(dir string) (documented, error) {
	found, err := build.ImportDir(dir, 0)
	if _, none := errors.AsType[*build.NoGoError](err); none {
		return documented{}, nil
	}
	if err != nil {
		return documented{}, err
	}
	pkg := documented{fset: token.NewFileSet()}
	var files []*ast.File
	for _, names := range [][]string{found.GoFiles, found.TestGoFiles, found.XTestGoFiles} {
		for _, name := range names {
			file, err := parser.ParseFile(pkg.fset, filepath.Join(dir, name), nil, parser.ParseComments)
			if err != nil {
				return documented{}, err
			}
			files = append(files, file)
		}
	}
	path := modulePath + "/" + filepath.ToSlash(strings.TrimPrefix(dir, ".."+string(filepath.Separator)))
	pkg.Package, err = doc.NewFromFiles(pkg.fset, files, path)
	return pkg, err
}

// Whoever reads the documentation of a name must find more than the name.
func TestEveryExportedNameIsDocumented(t *testing.T) {
	all := documentation(t)
	if len(all) < 13 {
		t.Fatalf("found %d packages only", len(all))
	}
	for _, pkg := range all {
		t.Run(strings.TrimPrefix(pkg.ImportPath, modulePath+"/"), func(t *testing.T) {
			if !strings.HasPrefix(pkg.Doc, "Package "+pkg.Name+" ") {
				t.Error("its comment does not begin with its name")
			}
			for _, bare := range pkg.undocumented() {
				t.Error("no comment that begins with its name, or, of a member, none at all: " + bare)
			}
		})
	}
}

// undocumented returns the exported names without a comment, with their places.
func (p documented) undocumented() []string {
	var bare []string
	note := func(at ast.Node, name string) {
		bare = append(bare, fmt.Sprintf("%s: %s", p.fset.Position(at.Pos()), name))
	}
	functions := func(fns []*doc.Func) {
		for _, fn := range fns {
			if !beginsWith(fn.Doc, fn.Name) {
				note(fn.Decl, fn.Name)
			}
		}
	}
	values := func(groups []*doc.Value) {
		for _, group := range groups {
			if group.Doc == "" {
				bareValues(group.Decl, note)
			}
		}
	}
	functions(p.Funcs)
	values(p.Consts)
	values(p.Vars)
	for _, typ := range p.Types {
		if !beginsWith(typ.Doc, typ.Name) {
			note(typ.Decl, typ.Name)
		}
		functions(typ.Funcs)
		functions(typ.Methods)
		values(typ.Consts)
		values(typ.Vars)
		for _, spec := range typ.Decl.Specs {
			bareMembers(spec.(*ast.TypeSpec), note)
		}
	}
	return bare
}

// bareValues notes the constants or variables of a group that have no comment of
// their own.
func bareValues(group *ast.GenDecl, note func(ast.Node, string)) {
	for _, spec := range group.Specs {
		value := spec.(*ast.ValueSpec)
		for _, name := range value.Names {
			if name.IsExported() && value.Doc == nil && value.Comment == nil {
				note(name, name.Name)
			}
		}
	}
}

// membersOf returns the fields of a struct or the methods of an interface.
func membersOf(spec *ast.TypeSpec) []*ast.Field {
	switch typ := spec.Type.(type) {
	case *ast.StructType:
		return typ.Fields.List
	case *ast.InterfaceType:
		return typ.Methods.List
	}
	return nil
}

// bareMembers notes the fields of a struct, or methods of an interface, that have
// no comment. The comment of a type with a single method is the method's, too.
func bareMembers(spec *ast.TypeSpec, note func(ast.Node, string)) {
	members := membersOf(spec)
	if _, ok := spec.Type.(*ast.InterfaceType); ok && len(members) == 1 {
		return
	}
	var shared string // the latest comment, which may be on several members
	for _, field := range members {
		if text := field.Doc.Text() + field.Comment.Text(); text != "" {
			shared = text
			continue
		}
		for _, name := range field.Names {
			if name.IsExported() && !names(shared, name.Name) {
				note(name, spec.Name.Name+"."+name.Name)
			}
		}
	}
}

// beginsWith reports whether a comment begins with the name that it is about, as go
// doc's readers, and its search, expect it to.
func beginsWith(comment, name string) bool {
	return regexp.MustCompile(`^((A|An|The) )?` + name + `\b`).MatchString(comment)
}

// names reports whether a comment is about name, too.
func names(comment, name string) bool {
	return regexp.MustCompile(`\b` + regexp.QuoteMeta(name) + `\b`).MatchString(comment)
}
