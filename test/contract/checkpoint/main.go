// Reads what checkpoint.test.ts writes, with Go's own transparency log: a verifier key, a signed note, and proofs of a growing tree.
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type growth struct {
	OldSize, NewSize int64
	OldRoot, NewRoot string
	Proof            []string
}

type input struct {
	Verifier, Note string
	Growths        []growth
}

func hash(text string) (h tlog.Hash) {
	bytes, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(bytes) != len(h) {
		panic("not a hash: " + text)
	}
	copy(h[:], bytes)
	return h
}

func main() {
	var in input
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		panic(err)
	}
	verifier, err := note.NewVerifier(in.Verifier)
	if err != nil {
		panic(err)
	}
	opened, err := note.Open([]byte(in.Note), note.VerifierList(verifier))
	if err != nil {
		panic(err)
	}
	fmt.Print(opened.Text)
	for _, g := range in.Growths {
		proof := tlog.TreeProof{}
		for _, p := range g.Proof {
			proof = append(proof, hash(p))
		}
		if err := tlog.CheckTree(proof, g.NewSize, hash(g.NewRoot), g.OldSize, hash(g.OldRoot)); err != nil {
			panic(fmt.Sprintf("%d to %d: %v", g.OldSize, g.NewSize, err))
		}
	}
	fmt.Printf("%d growths\n", len(in.Growths))
}
