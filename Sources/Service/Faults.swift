/// Where tests stop the program or make a system call fail: every durable step of a job's life passes here by name.
package struct Faults: Sendable {
    /// Returns the `errno` with which the step fails, 0 to let it happen.
    package var at: @Sendable (_ point: String) -> Int32

    package init(at: @escaping @Sendable (String) -> Int32 = { _ in 0 }) {
        self.at = at
    }
}
