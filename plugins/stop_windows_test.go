package plugins_test

func stopProcess() {}

const canStop = false
