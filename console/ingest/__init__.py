"""The edge: accept what clients send, make it durable, and digest it into the two stores."""
