//! What goes wrong in a round.

/// One kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// workerd gets SIGKILL, and comes back on the same data after a while.
    Kill,
    /// The object's instance ends while its sockets sleep on.
    Sleep,
    /// The object's instance ends with its sockets, as in a deployment.
    Reset,
    /// Every call of D1 is refused.
    D1Refuses,
    /// D1 has used up its free rows: what writes is refused.
    D1UsedUp,
    /// D1 does what it is asked and its answers are lost.
    D1LosesReplies,
    /// The object's own database refuses to write.
    ObjectRefuses,
    /// The object is not reached any more: calls, messages and alarms.
    ObjectUnreachable,
    /// Agents end and start anew, some on a new disk.
    AgentsKilled,
    /// The Worker's clock jumps an hour ahead, later back.
    WorkerClockAhead,
    /// The Worker's clock jumps an hour back, later ahead.
    WorkerClockBack,
    /// The clocks of agents jump an hour, one half ahead, the other back.
    AgentClocks,
    /// All connections are cut with a reset.
    Cut,
    /// The network swallows everything without a word.
    BlackHole,
    /// The server closes all sockets at once.
    AllClosed,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Sleep,
        Self::D1Refuses,
        Self::AllClosed,
        Self::AgentsKilled,
        Self::D1LosesReplies,
        Self::Cut,
        Self::WorkerClockAhead,
        Self::ObjectRefuses,
        Self::BlackHole,
        Self::AgentClocks,
        Self::D1UsedUp,
        Self::Kill,
        // The runtime ends an object with its sockets only as long as none of them was cut while it slept; so soon after a kill.
        Self::Reset,
        Self::WorkerClockBack,
        Self::ObjectUnreachable,
    ];

    /// Its name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Sleep => "sleep",
            Self::Reset => "reset",
            Self::D1Refuses => "d1-refuses",
            Self::D1UsedUp => "d1-used-up",
            Self::D1LosesReplies => "d1-loses-replies",
            Self::ObjectRefuses => "object-refuses",
            Self::ObjectUnreachable => "object-unreachable",
            Self::AgentsKilled => "agents-killed",
            Self::WorkerClockAhead => "worker-clock-ahead",
            Self::WorkerClockBack => "worker-clock-back",
            Self::AgentClocks => "agent-clocks",
            Self::Cut => "cut",
            Self::BlackHole => "black-hole",
            Self::AllClosed => "all-closed",
        }
    }
}
