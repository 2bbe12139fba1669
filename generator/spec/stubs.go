package spec

func (x *examiner) examine()           {}
func (l *loader) fleet(p *Platform)    {}
func (l *loader) removals(p *Platform) {}
