package spec

// Cost is how much of an environment is used in a month. The flags of strake
// cost win over it.
type Cost struct {
	// HoursPerMonth that the cluster exists. Default: 730, the whole month.
	HoursPerMonth int `yaml:"hoursPerMonth" strake:"min=1"`
	// Pools say how many nodes run, and for how long, by the name of the pool. A pool that is not named has its min, as long as the cluster exists.
	Pools map[string]PoolUse `yaml:"pools" strake:"keys=nodepool"`
	// StorageGb is how much the buckets hold, in GiB.
	StorageGb int `yaml:"storageGb" strake:"min=0"`
	// SpotRestarts is how much longer Spot nodes run because work begins again, in per cent.
	SpotRestarts int `yaml:"spotRestarts" strake:"min=0"`
}

// PoolUse is how much of a node pool is used in a month.
type PoolUse struct {
	// Nodes that run at once.
	Nodes int `yaml:"nodes" strake:"required,min=0"`
	// Hours of the month that they run. Default: as long as the cluster exists.
	Hours int `yaml:"hours" strake:"min=0"`
}

// HoursInMonth is the convention of price lists: 8,760 hours in twelve months.
const HoursInMonth = 730
