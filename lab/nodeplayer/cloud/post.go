package cloud

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// ErrRefused is the cloud's refusal of a request; the text has the reason.
var ErrRefused = errors.New("refused")

// Post sends a request to one of the lab's own paths and reads the response.
func (c *Client) Post(ctx context.Context, path string, request, answer any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	sent, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+"/lab/"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	sent.Header.Set("Content-Type", "application/json")
	response, err := c.HTTP.Do(sent)
	if err != nil {
		return fmt.Errorf("cloud: %s: %w", path, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<22))
	switch {
	case err != nil:
		return err
	case response.StatusCode == http.StatusBadRequest:
		refusal := struct{ Error string }{}
		if json.Unmarshal(text, &refusal) == nil && refusal.Error != "" {
			return fmt.Errorf("%s (%w)", refusal.Error, ErrRefused)
		}
		return fmt.Errorf("%s (%w)", firstLine(text), ErrRefused)
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("cloud: %s: %s: %s", path, response.Status, firstLine(text))
	}
	return json.Unmarshal(text, answer)
}
