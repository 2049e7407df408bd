//! Too much at once: pipelining without end, peers that never read, floods of connections, no descriptors left.
