//go:build tools

// Names the programs that tests/clients/stock.rs builds, so that go.mod keeps them.
package stock

import (
	_ "github.com/mackerelio/mackerel-agent"
	_ "github.com/mackerelio/mkr"
)
