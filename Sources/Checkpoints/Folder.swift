import Glibc

/// Names in a folder, sorted, without "." and ".."; throws `unreadable`.
package func fileNames(in folder: String) throws(CheckpointError) -> [String] {
    guard let directory = opendir(folder) else { throw .unreadable(file: folder, errno: errno) }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
        names.append(
            withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
    return names.filter { $0 != "." && $0 != ".." }.sorted()
}
