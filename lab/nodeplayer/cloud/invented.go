package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
)

// blockSize is the number of addresses of an invented interface.
const blockSize = 32

// rangeSize is the number of such blocks in 10.255.0.0/16.
const rangeSize = 1 << 16 / blockSize

// Invented makes up interfaces from 10.255.0.0/16. It stores nothing: the cluster shows what is in use, so
// that a restarted player never assigns an address twice.
type Invented struct {
	// InUse returns the primary addresses of all interfaces that nodes have.
	InUse func() map[string]bool

	mutex sync.Mutex
	// taken are the addresses known to be in use; they are read again only when none seems free.
	taken map[string]bool
}

// Attach takes the first free block of the range.
func (i *Invented) Attach(_ context.Context, _, owner string, _ Placement) (*Interface, error) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if i.taken == nil {
		i.taken = i.InUse()
	}
	created := i.free(owner)
	if created == nil {
		i.taken = i.InUse()
		created = i.free(owner)
	}
	if created == nil {
		return nil, errors.New("cloud: the invented range 10.255.0.0/16 has no free block")
	}
	i.taken[created.PrimaryIP] = true
	return created, nil
}

func (i *Invented) free(owner string) *Interface {
	for block := range rangeSize {
		if !i.taken[address(block, 1)] {
			return invent(block, owner)
		}
	}
	return nil
}

// address returns one address of a block; the first is the interface's own.
func address(block, offset int) string {
	number := block*blockSize + offset
	return netip.AddrFrom4([4]byte{10, 255, byte(number >> 8), byte(number)}).String()
}

func invent(block int, owner string) *Interface {
	created := &Interface{
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
		created.Addresses = append(created.Addresses, address(block, offset))
	}
	return created
}
