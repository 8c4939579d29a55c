package fetch_test

import (
	"go/ast"
	"go/doc"
	"maps"
	"slices"
	"strings"
	"testing"
)

// What stands in the way of a request is put together by whoever embeds the library:
// each piece has an example to copy, and each package one that shows what it is for.
// Examples run, so that what they print is true, and can be copied as they are.
func TestEveryPieceHasAnExample(t *testing.T) {
	for _, pkg := range documentation(t) {
		t.Run(strings.TrimPrefix(pkg.ImportPath, modulePath+"/"), func(t *testing.T) {
			examples := pkg.examples()
			if examples[""] == nil {
				t.Error("no func Example for the package")
			}
			for _, piece := range pkg.pieces() {
				if examples[piece] == nil {
					t.Errorf("no func Example%s", strings.ReplaceAll(piece, ".", "_"))
				}
			}
			for name, all := range examples {
				for _, ex := range all {
					if ex.Output == "" && !ex.EmptyOutput {
						t.Errorf("the example of %q, %q, is never run: it has no output", name, ex.Suffix)
					}
					if ex.Play == nil {
						t.Errorf("the example of %q, %q, is no whole program: it uses what is in another file", name, ex.Suffix)
					}
				}
			}
		})
	}
}

// examples returns the package's examples by what they are for: a function, a type,
// or a method, as in "Policy.Wrap"; empty: the package.
func (p documented) examples() map[string][]*doc.Example {
	all := map[string][]*doc.Example{}
	note := func(name string, examples []*doc.Example) {
		if len(examples) > 0 {
			all[name] = examples
		}
	}
	note("", p.Examples)
	for _, fn := range p.Funcs {
		note(fn.Name, fn.Examples)
	}
	for _, typ := range p.Types {
		note(typ.Name, typ.Examples)
		for _, fn := range slices.Concat(typ.Funcs, typ.Methods) {
			note(qualified(fn), fn.Examples)
		}
	}
	return all
}

// qualified returns a function's name, of a method with that of its type.
func qualified(fn *doc.Func) string {
	if fn.Recv == "" {
		return fn.Name
	}
	return strings.TrimPrefix(fn.Recv, "*") + "." + fn.Name
}

// pieces returns the functions and methods that make a source, a store, a
// combinator or a middleware, and the function types that are one.
func (p documented) pieces() []string {
	made := p.pieceTypes()
	fns := slices.Clone(p.Funcs)
	var all []string
	for _, typ := range p.Types {
		fns = slices.Concat(fns, typ.Funcs)
		spec := typ.Decl.Specs[0].(*ast.TypeSpec)
		switch spec.Type.(type) {
		case *ast.InterfaceType: // whose methods are for others to write
		case *ast.FuncType:
			if made[typ.Name] {
				all = append(all, typ.Name)
			}
		default:
			fns = slices.Concat(fns, typ.Methods)
		}
	}
	for _, fn := range fns {
		results := fn.Decl.Type.Results
		if fn.Name == "Unwrap" || results.NumFields() == 0 {
			continue
		}
		if made[typeName(results.List[0].Type)] {
			all = append(all, qualified(fn))
		}
	}
	return all
}

// pieceTypes returns the names of the types that are a piece: the interfaces, and the
// types of this package that have their methods.
func (p documented) pieceTypes() map[string]bool {
	made := map[string]bool{"upstream.Upstream": true, "upstream.Middleware": true, "cache.Store": true}
	for _, typ := range p.Types {
		has := map[string]bool{}
		for _, m := range typ.Methods {
			has[m.Name] = true
		}
		if has["Fetch"] || has["Get"] && has["Put"] {
			made[typ.Name] = true
		}
	}
	for name := range maps.Clone(made) {
		if own, ok := strings.CutPrefix(name, p.Name+"."); ok {
			made[own] = true
		}
	}
	return made
}

// typeName returns how a type, or what it points to, is called.
func typeName(expr ast.Expr) string {
	switch typ := expr.(type) {
	case *ast.StarExpr:
		return typeName(typ.X)
	case *ast.SelectorExpr:
		return typeName(typ.X) + "." + typ.Sel.Name
	case *ast.Ident:
		return typ.Name
	}
	return ""
}
