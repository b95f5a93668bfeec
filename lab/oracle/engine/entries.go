//go:build !cilium_1_18

package engine

import (
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/policy/types"
	"github.com/cilium/cilium/pkg/policy/utils"
)

// entries are what the repository takes: rules of all kinds of policies, in a form of its own.
type (
	entries = types.PolicyEntries
	entry   = types.PolicyEntry
)

func entriesOf(rules api.Rules) entries { return utils.RulesToPolicyEntries(rules) }
