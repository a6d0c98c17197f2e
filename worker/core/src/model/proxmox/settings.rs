//! What programs for Pulse set of the server as a whole.

/// The settings of the server. Texts are empty, and numbers 0, where nothing was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemSettings {
    /// Seconds between polls, 1 to 3,600.
    pub polling_s: u32,
    /// Seconds that an instance has to answer.
    pub timeout_s: u32,
    /// `*`, or origins with commas between them.
    pub allowed_origins: String,
    /// `stable` or `rc`.
    pub update_channel: String,
    /// Whether updates are to come by themselves.
    pub updates_itself: bool,
    /// Hours between looks for an update.
    pub update_check_h: u32,
    /// When updates come, `HH:MM`.
    pub update_at: String,
}

/// What a fresh 4.2.1 has. Source: pulse specification, 9.6.
impl Default for SystemSettings {
    fn default() -> Self {
        Self {
            polling_s: 5,
            timeout_s: 10,
            allowed_origins: "*".to_owned(),
            update_channel: String::new(),
            updates_itself: false,
            update_check_h: 0,
            update_at: String::new(),
        }
    }
}
