//! Append, sign, tile, prove. Knows bytes, not STIX.
