package survey

// write puts what is known into the report.
func (s *surveyor) write(r *Report) {
	r.Rounds = s.rounds
	r.VerifierFailed = s.hashes.failed
	for _, m := range s.opts.Sample {
		r.Sample = append(r.Sample, m.String())
	}
	order := map[string]int{}
	zips, lists := s.zipBytes(), s.consensus()
	for i, sub := range s.subjects {
		order[sub.source.Name] = i
		r.Sources = append(r.Sources, s.figures(sub, zips, lists))
	}
	r.Disagreements = s.hashes.disagreements(order)
}

func (s *surveyor) figures(sub *subject, zips int64, lists []consensus) Figures {
	f := sub.said
	if f.Skipped != "" {
		return f
	}
	f.Latency = sub.latency()
	f.Throughput = sub.throughput(s.opts.Sample)
	f.Coverage = s.coverage(sub)
	f.Agreement = s.hashes.agreement(sub.source.Name)
	f.Estimate = s.estimate(f, zips)
	for _, c := range lists {
		f.Lists = append(f.Lists, c.figuresOf(sub.lists[c.module]))
	}
	return f
}

func (s *surveyor) coverage(sub *subject) Coverage {
	var c Coverage
	for _, req := range s.files(0) {
		switch sub.files[req] {
		case had:
			c.Had++
		case missing:
			c.Missing = append(c.Missing, req.Key())
		case failing:
			c.Failed = append(c.Failed, req.Key())
		default: // not asked for, or no file of a version
			continue
		}
		c.Asked++
	}
	return c
}
