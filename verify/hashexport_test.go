package verify

// HashZipInPieces is HashZip that has so few files of the zip's directory in
// memory at a time. Only zips with many files are read in pieces otherwise.
var HashZipInPieces = hashZip
