//! The client against a real node's listener, and each of the two against somebody hostile, over
//! real sockets and real TLS. No test asserts how long something took; those that wait for an end
//! wait [`stage::PATIENCE`].

mod doors;
mod hostile_node;
mod hostile_peer;
mod limits;
mod stage;
