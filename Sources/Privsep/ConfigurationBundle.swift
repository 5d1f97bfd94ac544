// The configuration on its way to the processes that may not open its files.
import ClusterConfig
import ClusterModel

/// The three files as control read them, for the processes that may not open them.
package struct ConfigurationBundle: Frame {
    /// Folder that the files came from; agents look for `resource.d` there.
    package var configurationDirectory: String
    package var stateDirectory: String
    /// Emptied by a reboot.
    package var runDirectory: String
    package var nodeName: String
    package var haConfig: String
    package var haResources: String
    /// Empty for processes that need no keys. A key is any bytes, not text.
    package var authKeys: [UInt8]

    package init(
        configurationDirectory: String, stateDirectory: String, runDirectory: String, nodeName: String,
        haConfig: String, haResources: String, authKeys: [UInt8]
    ) {
        self.configurationDirectory = configurationDirectory
        self.stateDirectory = stateDirectory
        self.runDirectory = runDirectory
        self.nodeName = nodeName
        self.haConfig = haConfig
        self.haResources = haResources
        self.authKeys = authKeys
    }

    package func encode(into writer: inout FrameWriter) {
        for text in [configurationDirectory, stateDirectory, runDirectory, nodeName, haConfig, haResources] {
            writer.write(text)
        }
        writer.write(bytes: authKeys)
    }

    package init(decoding reader: inout FrameReader) throws(FrameError) {
        configurationDirectory = try reader.readString()
        stateDirectory = try reader.readString()
        runDirectory = try reader.readString()
        nodeName = try reader.readString()
        haConfig = try reader.readString()
        haResources = try reader.readString()
        authKeys = try reader.readBytes()
    }
}

extension ConfigurationBundle {
    /// A user who has no rights, as the checks see a process that gets no keys.
    private static let nobody: UInt32 = 65534

    /// The configuration in the files, with every default filled in; nil where a file has errors, which control has
    /// reported before. `withKeys`: for a process that got the keys; any other has a configuration without them.
    package func configuration(withKeys: Bool) -> Configuration? {
        func file(_ name: String, _ bytes: [UInt8]) -> ConfigurationFile {
            ConfigurationFile(path: "\(configurationDirectory)/\(name)", bytes: bytes)
        }
        var keys = file("authkeys", authKeys)
        var facts = SystemFacts(localNode: nodeName)
        if !withKeys {
            keys.bytes = nil
            keys.isForbidden = true
            facts.userID = ConfigurationBundle.nobody
        }
        let files = ConfigurationFiles(
            haConfig: file("ha.cf", Array(haConfig.utf8)),
            resources: file("haresources", Array(haResources.utf8)), keys: keys)
        return ConfigurationReader.read(files: files, facts: facts).configuration
    }
}
