package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
)

// blockSize is how many addresses an invented interface takes of the range.
const blockSize = 32

// rangeSize is how many such blocks lie in 10.255.0.0/16.
const rangeSize = 1 << 16 / blockSize

// Invented makes interfaces up from 10.255.0.0/16. It keeps nothing: what is in use is asked of the
// cluster, so that a restarted player never gives an address twice.
type Invented struct {
	// InUse are the primary addresses of all interfaces that nodes have.
	InUse func() map[string]bool

	mutex sync.Mutex
	// taken are the addresses known to be in use; asking again is left until none seems free.
	taken map[string]bool
}

// Attach takes the first free block of the range.
func (i *Invented) Attach(_ context.Context, _, owner string) (*Interface, error) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if i.taken == nil {
		i.taken = i.InUse()
	}
	made := i.free(owner)
	if made == nil {
		i.taken = i.InUse()
		made = i.free(owner)
	}
	if made == nil {
		return nil, errors.New("cloud: the invented range 10.255.0.0/16 has no free block")
	}
	i.taken[made.PrimaryIP] = true
	return made, nil
}

func (i *Invented) free(owner string) *Interface {
	for block := range rangeSize {
		if !i.taken[address(block, 1)] {
			return invent(block, owner)
		}
	}
	return nil
}

// address is one address of a block; the first is the interface's own.
func address(block, offset int) string {
	number := block*blockSize + offset
	return netip.AddrFrom4([4]byte{10, 255, byte(number >> 8), byte(number)}).String()
}

func invent(block int, owner string) *Interface {
	made := &Interface{
		Owner:          owner,
		ID:             fmt.Sprintf("eni-%017x", block),
		MAC:            fmt.Sprintf("02:00:00:00:%02x:%02x", block>>8, block&0xff),
		SubnetID:       "subnet-00000000000000000",
		SubnetCIDR:     "10.255.0.0/16",
		PrimaryIP:      address(block, 1),
		Number:         1,
		SecurityGroups: []string{},
	}
	for offset := 2; offset < blockSize-1; offset++ {
		made.Addresses = append(made.Addresses, address(block, offset))
	}
	return made
}
