//go:build cilium_1_18

package engine

import (
	"log/slog"

	"github.com/cilium/cilium/pkg/fqdn/re"
	"github.com/cilium/cilium/pkg/policy/api"
)

const expressions = 1024

// prepare makes the cache without which this release refuses every rule with a DNS name.
func prepare(log *slog.Logger) {
	if err := re.InitRegexCompileLRU(log, expressions); err != nil {
		panic(err)
	}
}

// entries are what the repository takes: in this release, rules as they are parsed.
type (
	entries = api.Rules
	entry   = api.Rule
)

func entriesOf(rules api.Rules) entries { return rules }

func (o *owner) MapStateSize() int { return 0 }
