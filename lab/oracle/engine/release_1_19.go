//go:build cilium_1_19

package engine

import (
	"log/slog"

	"github.com/cilium/cilium/pkg/policy"
)

func prepare(*slog.Logger) {}

func (o *owner) PreviousMapState() *policy.MapState { return nil }
