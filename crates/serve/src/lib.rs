//! HTTP only: extract, ask the node or a query, respond.
