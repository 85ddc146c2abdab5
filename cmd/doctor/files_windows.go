package doctor

// Windows has access-control lists, which these do not read.

func ownerOf(string) int { return -1 }

func trusted(int, int) bool { return true }

func writable(string) bool { return true }
